"""What an operation's requests are made of, once parameters, body and security are read together."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from application.openapi.bodies import Body, Kind, body_of, swagger_body
from application.openapi.operations import Operation
from application.openapi.parameters import HEADER, Parameter, parameter_of, written_parameters
from application.openapi.paths import placeholders
from application.openapi.references import followed
from application.openapi.security import Security, Shown
from domain.errors import Problem
from domain.json import JsonObject

_IDEMPOTENCY: Final = frozenset({"idempotency-key", "x-idempotency-key"})
_OURS: Final = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "content-type", "cookie", "expect", "host"}
    | {"keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that a request has from its mapping or for its way, never from an argument; OpenAPI says so of `accept` and `content-type`."""


@dataclass(frozen=True, slots=True)
class Request:
    """`warnings`: what was left out of it."""

    parameters: tuple[Parameter, ...]
    body: Body | None
    shown: Shown
    idempotency_header: str
    warnings: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Requests:
    """Of one document."""

    document: JsonObject
    version: str
    security: Security

    def of(self, operation: Operation, server: str) -> Request:
        """`Unusable` when something that it needs cannot be sent."""
        written = list(written_parameters(self.document, operation))
        found = [self._shaped(parameter_of(one, at, self.version, operation)) for one, at in written if one.get("in") != "body"]
        headers = {one.name.lower(): one.name for one in found if one.place == "header"}
        shown = self.security.of(operation, server)
        if "authorization" in headers and not shown.auth:
            shown = self.security.in_header(headers["authorization"], server)
        asked = [one for one in found if not _is_ours(one) and not shown.has(one.place, one.name)]
        body = self._body(operation, written, [one for one in asked if one.place == "form"])
        usable, warnings = _usable([*(one for one in asked if one.place != "form"), *(() if body is None else self._fields(body))])
        return Request(
            parameters=tuple(_with_path(operation, [one for one in usable if one.place != "form"])),
            body=None if body is None else replace(body, fields=tuple(one for one in usable if one.place == "form")),
            shown=shown,
            idempotency_header=next((name for lower, name in headers.items() if lower in _IDEMPOTENCY), ""),
            warnings=tuple(warnings),
        )

    def _shaped(self, parameter: Parameter) -> Parameter:
        if not isinstance(parameter.schema, Mapping):
            return parameter
        return replace(parameter, shape=followed(self.document, parameter.schema, parameter.schema_at)[0])

    def _fields(self, body: Body) -> Iterator[Parameter]:
        """Only a form of parts has room for files; in any other they are text like the rest."""
        for one in map(self._shaped, body.fields):
            is_text = body.kind is Kind.FORM and (one.is_file or one.is_list_of_files)
            yield replace(one, shape={"type": one.kind if one.is_list_of_files else "string"}) if is_text else one

    def _body(self, operation: Operation, written: list[tuple[JsonObject, str]], forms: list[Parameter]) -> Body | None:
        if self.version != "2.0":
            return body_of(self.document, operation)
        consumes = operation.fields.get("consumes", self.document.get("consumes"))
        types = [one for one in consumes if isinstance(one, str)] if isinstance(consumes, list) else []
        return swagger_body(types, [(one, at) for one, at in written if one.get("in") == "body"], forms, operation)


def _is_ours(parameter: Parameter) -> bool:
    lower = parameter.name.lower()
    return parameter.place == "header" and (lower in _OURS or lower in _IDEMPOTENCY or lower == "authorization")


def _usable(parameters: Iterable[Parameter]) -> tuple[list[Parameter], list[Problem]]:
    """What can be sent. What cannot is a warning where it is optional, and `Unusable` where it is not."""
    kept: list[Parameter] = []
    warnings: list[Problem] = []
    for one in parameters:
        reason = _what_hinders(one)
        if not reason:
            kept.append(one)
        else:
            told = one.cannot_be_sent(reason)
            if one.required:
                raise told
            warnings.append(told.problem)
    return kept, warnings


def _what_hinders(parameter: Parameter) -> str:
    if parameter.place in ("header", "cookie") and not HEADER.fullmatch(parameter.name):
        return "no header or cookie may be called so"
    if len(parameter.name) > 200:
        return "its name is longer than 200 characters"
    if parameter.is_list_of_files:
        return "it is a list of files, and a tool sends one file a field"
    return ""


def _with_path(operation: Operation, parameters: list[Parameter]) -> Iterator[Parameter]:
    """Those that the path has, whether declared or not; those in the path that it has not are left out."""
    declared = {one.name: one for one in parameters if one.place == "path"}
    for name in placeholders(operation):
        bare = Parameter(name, "path", operation.at, {"type": "string"}, operation.at, required=True, style="simple", explode=False)
        yield declared.get(name, bare)
    yield from (one for one in parameters if one.place != "path")
