"""Images in what a model is told: fetched by us, through the same door as everything else, and looked at before they are sent on.

A provider, or the library that speaks to it, is never handed an address to fetch.
"""

import asyncio
import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from domain.errors import ModelError
from domain.json import Json, JsonObject
from domain.model import ModelRequest, ModelResponse, OnText
from infrastructure.models.around import Around
from infrastructure.models.failures import model_error
from infrastructure.outgoing.addresses import Refused
from infrastructure.outgoing.messages import Ask, Asks, NotAnswered
from infrastructure.outgoing.passing import PASSES, is_passing

MAX_BYTES: Final = 5 * 1024 * 1024
"""Of one image; the strictest of the large providers takes as much."""
MOST_IMAGES: Final = 20
SECONDS: Final = 30.0
_SHOWN: Final = 100
_BEGINNINGS: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


@dataclass
class SeeingModels(Around):
    """Every image of a request stands in it as a data URI when the inner models get it. `ModelError`s: `model_bad_image` for what is no
    image, too large, or where we do not go; `model_image_unreachable` for what did not come."""

    door: Asks

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        images = _images_of(request)
        if not images:
            return await self.inner.complete(request, on_text)
        if len(images) > MOST_IMAGES:
            raise model_error("model_bad_image", f"a call may have {MOST_IMAGES} images, and this has {len(images)}")
        wanted = list(dict.fromkeys(images))
        seconds = min(SECONDS, request.timeout_seconds)
        found = await asyncio.gather(*(self._data_of(image, seconds) for image in wanted), return_exceptions=True)
        seen: dict[str, str] = {}
        for image, data in zip(wanted, found, strict=True):
            if isinstance(data, BaseException):
                raise data
            seen[image] = data
        return await self.inner.complete(replace(request, messages=tuple(_seen(message, seen) for message in request.messages)), on_text)

    async def _data_of(self, url: str, seconds: float) -> str:
        """As a data URI, whose type is what the image really is."""
        data = _decoded(url) if url[:5].lower() == "data:" else await self._fetched(url, seconds)
        kind = kind_of(data)
        if kind is None:
            raise model_error("model_bad_image", f"{_named(url)} is no PNG, JPEG, GIF or WebP")
        return data_uri(data, kind)

    async def _fetched(self, url: str, seconds: float) -> bytes:
        try:
            answer = await self.door.ask(Ask(url, headers={"Accept": "image/*"}, seconds=seconds, most=MAX_BYTES))
        except Refused as error:
            raise model_error("model_bad_image", f"{_named(url)} is not fetched: {error}") from None
        except NotAnswered as error:
            raise _not_come(url, error) from None
        if answer.status >= 400:
            raise _unreachable(url, f"its server answered {answer.status}", passes=is_passing(answer.status))
        return answer.body


def data_uri(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def kind_of(data: bytes) -> str | None:
    """What the first bytes say; None when that is no image that models take."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for beginning, kind in _BEGINNINGS if data.startswith(beginning)), None)


def _parts_of(message: JsonObject) -> list[Json]:
    content = message.get("content")
    return list(content) if isinstance(content, list | tuple) else []


def _url_in(part: Json) -> str | None:
    """Of an image in the OpenAI shape: `{type: image_url, image_url: {url}}`."""
    image = part.get("image_url") if isinstance(part, Mapping) else None
    url = image.get("url") if isinstance(image, Mapping) else image
    return url if isinstance(url, str) else None


def _images_of(request: ModelRequest) -> list[str]:
    return [url for message in request.messages for part in _parts_of(message) if (url := _url_in(part)) is not None]


def _seen(message: JsonObject, seen: Mapping[str, str]) -> JsonObject:
    parts = _parts_of(message)
    return {**message, "content": [_seen_part(part, seen) for part in parts]} if any(map(_url_in, parts)) else message


def _seen_part(part: Json, seen: Mapping[str, str]) -> Json:
    url = _url_in(part)
    if url is None or not isinstance(part, Mapping):
        return part
    image = part["image_url"]
    return {**part, "image_url": {**(image if isinstance(image, Mapping) else {}), "url": seen[url]}}


def _decoded(uri: str) -> bytes:
    head, comma, written = uri.partition(",")
    if not comma or not head.lower().endswith(";base64"):
        raise model_error("model_bad_image", f"{_named(uri)} is not written as `data:image/png;base64,...`")
    if len(written) > MAX_BYTES * 4 // 3 + 4:
        raise model_error("model_bad_image", f"{_named(uri)} is larger than {MAX_BYTES // 1024**2} MiB")
    try:
        return base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError):
        raise model_error("model_bad_image", f"{_named(uri)} is no base64") from None


def _not_come(url: str, error: NotAnswered) -> ModelError:
    if error.code == "answer_too_large":
        return model_error("model_bad_image", f"{_named(url)}: {error.message}")
    return _unreachable(url, error.message, passes=error.code in PASSES)


def _unreachable(url: str, why: str, *, passes: bool) -> ModelError:
    error = model_error("model_image_unreachable", f"{_named(url)} did not come: {why}")
    error.retryable = passes
    return error


def _named(url: str) -> str:
    """Without what may be a key in its query."""
    if url[:5].lower() == "data:":
        return "the image in a data URI"
    return f"the image {url.partition('?')[0][:_SHOWN]}"
