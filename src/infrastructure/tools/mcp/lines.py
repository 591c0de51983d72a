"""Lines of a pipe, none longer than a bound: whoever sends a gigabyte without an end of line is not waited for."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

_PIECE: Final = 64 * 1024


class TooLong(Exception):
    """A line is longer than it may be."""


async def lines(reader: asyncio.StreamReader, most: int) -> AsyncIterator[bytes]:
    """Without their ends. `TooLong` as soon as one is; the last one counts without an end."""
    held = bytearray()
    while piece := await reader.read(_PIECE):
        *whole, rest = piece.split(b"\n")
        for part in whole:
            yield bytes(held) + part
            held.clear()
        held += rest
        if len(held) > most:
            raise TooLong(f"a line is longer than {most:,} bytes")
    if held:
        yield bytes(held)


async def cut_lines(reader: asyncio.StreamReader, most: int) -> AsyncIterator[bytes]:
    """As `lines`, but a longer one is cut and its rest passed over."""
    held, passing = bytearray(), False
    while piece := await reader.read(_PIECE):
        *whole, rest = piece.split(b"\n")
        for part in whole:
            if not passing:
                yield bytes(held) + part[:most]
            held.clear()
            passing = False
        if not passing:
            held += rest
        if len(held) > most:
            yield bytes(held[:most])
            held.clear()
            passing = True
    if held:
        yield bytes(held)
