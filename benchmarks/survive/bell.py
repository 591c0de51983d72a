"""A tool that says by a datagram that it was called, in a package as an owner would install it, and the ear for it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_PACKAGE = '''
import os
import socket

from weft import tool

LINE = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


@tool(effects="none")
async def ring() -> bool:
    """Say that it was called."""
    LINE.sendto(b"now", ("127.0.0.1", int(os.environ["BELL_PORT"])))
    return True
'''


def settled_in(folder: Path) -> Path:
    """Puts the package there; the folder that it can be imported from."""
    package = folder / "package"
    about = package / "bell_tools-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: bell-tools\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[weft.tools]\nring = bell_tools:ring\n")
    (package / "bell_tools.py").write_text(_PACKAGE)
    return package


class Bell(asyncio.DatagramProtocol):
    """Hears one tool at a time."""

    def __init__(self) -> None:
        self.port = 0
        self._awaited: asyncio.Future[float] | None = None

    @classmethod
    @asynccontextmanager
    async def listening(cls) -> AsyncIterator["Bell"]:
        transport, bell = await asyncio.get_running_loop().create_datagram_endpoint(cls, ("127.0.0.1", 0))
        bell.port = transport.get_extra_info("sockname")[1]
        try:
            yield bell
        finally:
            transport.close()

    def next(self) -> "asyncio.Future[float]":
        """The reading of `time.perf_counter` when it rings next."""
        self._awaited = asyncio.get_running_loop().create_future()
        return self._awaited

    def datagram_received(self, data: bytes, addr: object) -> None:
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_result(time.perf_counter())
