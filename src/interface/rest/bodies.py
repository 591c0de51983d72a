"""Bodies: read within a bound, understood as JSON or YAML, and checked against what the route wants."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, JsonValue
from starlette.exceptions import HTTPException

from application.errors import DocumentTooLarge, Problem, ValidationError
from interface.fitting import fitted
from interface.rest.openapi import REF, OpenApi
from interface.rest.plain import refuse_unstorable
from interface.yaml import LoadedDocument, load_document

M = TypeVar("M", bound=BaseModel)

JSON = "application/json"
YAML = "application/yaml"
DRAINED = 64 * 1024 * 1024
_SMALL = 32 * 1024


def takes(schema: OpenApi, *, required: bool = True) -> OpenApi:
    """The request body of a route, for its OpenAPI entry."""
    return {"requestBody": {"required": required, "content": {JSON: {"schema": schema}, YAML: {"schema": schema}}}}


def model_ref(model: type[BaseModel]) -> OpenApi:
    return {"$ref": REF.format(model=model.__name__)}


def body_of(model: type[M], *, optional: bool = False) -> Callable[[Request], Awaitable[M]]:
    """A dependency: the body as a `model`; `ValidationError` with a pointer for everything that does not fit."""

    async def read(request: Request) -> M:
        return fitted(model, await _read(request, optional=optional))

    return read


async def document_of(request: Request) -> JsonValue:
    """A dependency: the body as plain data; afterwards `request.state.locate` knows where in its text each part stands."""
    return await _read(request, optional=False)


async def _read(request: Request, *, optional: bool) -> JsonValue:
    raw = await read_within(request, request.app.state.settings.max_body_bytes)
    if optional and not raw:
        return {}
    media_type = _media_type(request)
    loaded = _load(raw, media_type) if len(raw) <= _SMALL else await asyncio.to_thread(_load, raw, media_type)
    request.state.locate = loaded.locate
    document: JsonValue = loaded.document
    return document


def _load(raw: bytes, media_type: str) -> LoadedDocument:
    if not raw.strip():
        raise ValidationError("this request needs a body", [Problem("", "missing", "send a document as JSON or YAML")])
    loaded = load_document(raw, media_type)
    refuse_unstorable(raw, loaded.document, is_json=media_type == JSON)
    return loaded


def read_text(text: str) -> JsonValue:
    """What a model wrote, bounded and checked as a body is: JSON where it begins like an object, else YAML."""
    document: JsonValue = _load(text.encode(errors="replace"), JSON if text.lstrip().startswith("{") else YAML).document
    return document


def _media_type(request: Request) -> str:
    written = request.headers.get("content-type", "")
    media_type, _, parameters = written.partition(";")
    media_type = media_type.strip().lower()
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if media_type not in (JSON, YAML) or charset not in ("", "utf-8"):
        raise HTTPException(415, f"send the body as {JSON} or {YAML}, in UTF-8, and say so in `Content-Type`")
    return media_type


async def read_within(request: Request, limit: int) -> bytes:
    """The whole body, or `DocumentTooLarge`; then after reading on for a while: a client that is still sending would not see the answer."""
    said = request.headers.get("content-length", "")
    too_large = said.isdecimal() and int(said) > limit
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        too_large = too_large or size > limit
        if size > DRAINED:
            break
        if not too_large:
            pieces.append(piece)
    if too_large:
        raise DocumentTooLarge(f"a body may have {limit} bytes: send less")
    return b"".join(pieces)
