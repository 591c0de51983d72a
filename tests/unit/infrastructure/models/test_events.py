"""Server-sent events, however the bytes are cut."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from infrastructure.models.events import events

STREAM = (
    b': hello\r\ndata: {"a": 1}\r\n\r\nevent: x\ndata:{"b": "\xc3\xa9\xe2\x80\xa8"}\n\n'
    b'data: {"c": [3]}\n\ndata: [DONE]\n\ndata: {"never": 1}\n\n'
)
SEEN = [{"a": 1}, {"b": "\u00e9\u2028"}, {"c": [3]}]


async def cut(stream: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(stream), size):
        yield stream[at : at + size]


async def read(stream: bytes, size: int = 1_000, most: int = 1_000) -> list[Any]:
    return [event async for event in events(cut(stream, size), most)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1_000])
async def test_events_are_the_same_however_the_bytes_are_cut(size: int) -> None:
    assert await read(STREAM, size) == SEEN


async def test_the_last_event_needs_no_end_of_line() -> None:
    assert await read(b'data: {"a": 1}') == [{"a": 1}]


@pytest.mark.parametrize("data", [b"data: nonsense\n", b"data: [1]\n", b'data: "text"\n', b"data: {\n", b"data: \xff\n"])
async def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of either library
        await read(data)


async def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(ValueError, match="longer than 100 bytes"):
        await read(b"data: " + b"x" * 10_000, size=50, most=100)
