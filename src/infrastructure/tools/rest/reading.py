"""A config becomes a tool that can be called, or a list of everything that is wrong with it."""

from collections.abc import Sequence
from typing import Final

from pydantic import ValidationError as PydanticError

from domain.errors import ExpressionError, Problem
from domain.json import Json, JsonObject
from domain.tool import Tool
from infrastructure.json_bounds import weigh
from infrastructure.outgoing.addresses import Addresses
from infrastructure.schemas import pointer_to
from infrastructure.tools.rest.bodies import Body, BytesBody, File, FormBody, JsonBody, MultipartBody, TextBody
from infrastructure.tools.rest.config import BodyPart, FilePart, QueryPart, RestConfig
from infrastructure.tools.rest.credentials import read_credentials
from infrastructure.tools.rest.items import QueryItem
from infrastructure.tools.rest.references import Reading
from infrastructure.tools.rest.rules import check_rules
from infrastructure.tools.rest.spec import Spec
from infrastructure.tools.rest.templates import Tree
from infrastructure.tools.rest.urls import read_url

_MAX_WEIGHT: Final = 1_000_000


def read_config(config: JsonObject, tool: Tool, addresses: Addresses) -> tuple[Spec | None, Sequence[Problem]]:
    """A spec, or problems: never both, never neither."""
    try:
        weigh(config, _MAX_WEIGHT)
        read = RestConfig.model_validate(config)
    except ExpressionError as error:
        return None, [Problem("", "too_large", error.message)]
    except PydanticError as error:
        return None, problems_of(error)
    reading = Reading(frozenset(tool.config.parameters))
    spec = _read(reading, read, tool)
    check_rules(reading, read, tool, addresses)
    return (None if reading.problems else spec), reading.problems


def problems_of(error: PydanticError, below: tuple[str | int, ...] = ()) -> list[Problem]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [Problem(pointer_to((*below, *one["loc"])), one["type"], one["msg"]) for one in found]


def _read(reading: Reading, read: RestConfig, tool: Tool) -> Spec | None:
    styles = {name: (one.style, one.explode) for name, one in read.path.items()}
    url = read_url(reading, read.url, styles, frozenset(tool.config.required_parameters))
    query = tuple(_item(reading, ("query",), name, written) for name, written in read.query.items())
    headers = {name: reading.template(("headers", name), text) for name, text in read.headers.items()}
    cookies = {name: reading.template(("cookies", name), text) for name, text in read.cookies.items()}
    body = None if read.body is None else _body(reading, read.body)
    credentials, oauth2 = read_credentials(reading, read.auth)
    return None if url is None else Spec(tool, read, url, query, headers, cookies, body, credentials, oauth2)


def _item(reading: Reading, at: tuple[str, ...], name: str, written: Json) -> QueryItem:
    """An object is a value with its style."""
    if not isinstance(written, dict):
        return QueryItem(name, reading.tree((*at, name), written))
    try:
        part = QueryPart.model_validate(written)
    except PydanticError as error:
        reading.problems += problems_of(error, (*at, name))
        return QueryItem(name, None)
    explode = part.style in ("form", "deepObject") if part.explode is None else part.explode
    return QueryItem(name, reading.tree((*at, name, "value"), part.value), part.style, explode)


def _body(reading: Reading, part: BodyPart) -> Body | None:
    given = sorted(part.model_fields_set - {"content_type"})
    if len(given) != 1:
        reading.wrong(("body",), "one_of", "exactly one of json, form, multipart, base64, text")
        return None
    if part.content_type is not None and (part.form is not None or part.multipart is not None):
        reading.wrong(("body", "content_type"), "not_here", "a form has the content type that goes with it")
    match given[0]:
        case "form":
            return FormBody(tuple(_item(reading, ("body", "form"), name, one) for name, one in (part.form or {}).items()))
        case "multipart":
            return MultipartBody({name: _field(reading, name, one) for name, one in (part.multipart or {}).items()})
        case "base64":
            return BytesBody(reading.template(("body", "base64"), part.base64 or ""), part.content_type or "application/octet-stream")
        case "text":
            return TextBody(reading.template(("body", "text"), part.text or ""), part.content_type or "text/plain; charset=utf-8")
        case _:
            return JsonBody(reading.tree(("body", "json"), part.json_), part.content_type or "application/json")


def _field(reading: Reading, name: str, written: Json) -> Tree | File:
    """An object with one of the members of a file is a file."""
    at = ("body", "multipart", name)
    if not isinstance(written, dict) or not written.keys() & {"base64", "filename"}:
        return reading.tree(at, written)
    try:
        part = FilePart.model_validate(written)
    except PydanticError as error:
        reading.problems += problems_of(error, at)
        return None
    if (part.base64 is None) == (part.text is None):
        reading.wrong(at, "one_of", "exactly one of base64, text")
    held = reading.template(at, part.base64 or part.text or "")
    return File(held, part.base64 is not None, reading.template((*at, "filename"), part.filename or name), part.content_type)
