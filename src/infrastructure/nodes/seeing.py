"""Images beside a node's prompt."""

from collections.abc import Mapping
from typing import Final

from domain.errors import NodeExecutionError
from domain.json import Json, JsonObject

_WANTED: Final = (
    "`images` must give a URL, a data URI, or an object with `base64` as `http_fetch` gives it; or a list of those, with {0} at most"
)
MOST: Final = 20


def seeing(messages: tuple[JsonObject, ...], images: Json) -> tuple[JsonObject, ...]:
    """The same, with the images in the last message, if that is the user's, or else in one of their own."""
    parts = _parts(images)
    if not parts:
        return messages
    last = messages[-1]
    if last.get("role") != "user":
        return (*messages, {"role": "user", "content": parts})
    content = last.get("content")
    said = [{"type": "text", "text": content}] if isinstance(content, str) else content if isinstance(content, list | tuple) else []
    return (*messages[:-1], {**last, "content": [*said, *parts]})


def _parts(images: Json) -> list[Json]:
    given = images if isinstance(images, list | tuple) else [] if images is None else [images]
    if len(given) > MOST:
        raise NodeExecutionError(_WANTED.format(MOST), "invalid_images")
    return [{"type": "image_url", "image_url": {"url": _url(image)}} for image in given]


def _url(image: Json) -> str:
    if isinstance(image, str) and image[:8].lower().startswith(("https://", "http://", "data:")):
        return image
    written = image.get("base64") if isinstance(image, Mapping) else None
    if isinstance(written, str):
        return f"data:application/octet-stream;base64,{written}"  # what it is, its first bytes will tell
    raise NodeExecutionError(_WANTED.format(MOST), "invalid_images")
