"""Bodies as they come over the wire, unpacked piece by piece: a packed gigabyte is noticed before it is one."""

import zlib
from typing import Final, Protocol

_PIECE: Final = 64 * 1024


class Unpacker(Protocol):
    @property
    def is_whole(self) -> bool:
        """Has it come to an end?"""

    def feed(self, data: bytes, most: int) -> bytes:
        """What `data` unpacks to, at most one byte more than `most`. `zlib.error` when it is no such packing."""


class _Plain:
    is_whole = True

    def feed(self, data: bytes, most: int) -> bytes:
        return data[: most + 1]


class _Zipped:
    """One packing after the other, as gzip allows."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._unpack = zlib.decompressobj(window)
        self._has_begun = False

    @property
    def is_whole(self) -> bool:
        return self._unpack.eof or not self._has_begun

    def feed(self, data: bytes, most: int) -> bytes:
        found = bytearray()
        while len(found) <= most:
            if self._unpack.eof and data:
                self._unpack = zlib.decompressobj(self._window)
            room = min(_PIECE, most + 1 - len(found))
            piece = self._unpack.decompress(data, room)
            found += piece
            self._has_begun = self._has_begun or bool(data)
            data = self._unpack.unused_data if self._unpack.eof else self._unpack.unconsumed_tail
            if len(piece) < room and not data:
                break
        return bytes(found)


class _Deflated:
    """`deflate` means zlib's format; some send it without its head."""

    def __init__(self) -> None:
        self._unpack: _Zipped | None = None

    @property
    def is_whole(self) -> bool:
        return self._unpack is None or self._unpack.is_whole

    def feed(self, data: bytes, most: int) -> bytes:
        if self._unpack is None:
            self._unpack = _Zipped(zlib.MAX_WBITS)
            try:
                return self._unpack.feed(data, most)
            except zlib.error:
                self._unpack = _Zipped(-zlib.MAX_WBITS)
        return self._unpack.feed(data, most)


ACCEPTED: Final = b"gzip, deflate"


def unpacker(encoding: str) -> Unpacker | None:
    """None for what was not asked for: nobody unpacks what a stranger packed in a way of their own, or twice."""
    match encoding.strip().lower():
        case "" | "identity":
            return _Plain()
        case "gzip" | "x-gzip":
            return _Zipped(zlib.MAX_WBITS | 16)
        case "deflate":
            return _Deflated()
        case _:
            return None
