"""Server-sent events whose data is JSON, from the bytes of a response however they are cut."""

from collections.abc import AsyncIterator
from typing import Final

import orjson

DONE: Final = b"[DONE]"


async def events(pieces: AsyncIterator[bytes], most: int) -> AsyncIterator[dict[str, object]]:
    """Each event's data, until `[DONE]` or the end. An event's data is one line, as all who speak so send it; other lines say nothing.
    `ValueError` for what is no JSON object, and for more than `most` bytes without an end of line."""
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > most:
            raise ValueError(f"a line of it is longer than {most:,} bytes")
        for line in lines:
            if not line.startswith(b"data:"):
                continue
            data = line[5:].strip()
            if data == DONE:
                return
            if data:
                yield _object(data)
    if rest.startswith(b"data:") and (data := rest[5:].strip()) and data != DONE:
        yield _object(data)


def _object(data: bytes) -> dict[str, object]:
    event = orjson.loads(data)
    if not isinstance(event, dict):
        raise ValueError("an event of it is no JSON object")
    return event
