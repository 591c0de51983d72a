"""A session with a server as its owner describes it, over whichever way."""

import asyncio
import importlib
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.ports.secrets import Redact, Secrets
from infrastructure.outgoing.addresses import Addresses
from infrastructure.tools.mcp.losing import ConnectionLost, Loss
from infrastructure.tools.mcp.process import ServerProcess
from infrastructure.tools.mcp.secrets import Filled, origin_for
from infrastructure.tools.mcp.server_log import ServerLog
from infrastructure.tools.mcp.session import Session
from infrastructure.tools.mcp.settings import ServerPart
from infrastructure.tools.mcp.stdio import MOST_MESSAGE, pipes

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens sessions with any server; what they need of the installation."""

    secrets: Secrets
    addresses: Addresses
    redact: Redact

    @asynccontextmanager
    async def session(self, name: str, part: ServerPart) -> AsyncIterator[Session]:
        """Greeted. `ConnectionLost`, `OSError`, `SecretRefused`, `Refused`, `TimeoutError` or what the SDK raises when there is none."""
        await asyncio.to_thread(_load)
        loss, said = Loss(self.redact), ServerLog(name, self.redact)
        try:
            async with self._streams(name, part, loss, said) as streams, Session(loss, said).over(streams, part.start_seconds) as session:
                yield session
        except Exception as error:
            if not loss.is_told:
                raise
            raise ConnectionLost(loss.reason) from error

    def _streams(self, name: str, part: ServerPart, loss: Loss, said: ServerLog) -> "AbstractAsyncContextManager[TransportStreams]":
        filled = Filled(self.secrets, origin_for(name, part))
        return _web(part, filled, loss, self.addresses) if part.command is None else _process(part, filled, loss, said)


def _load() -> None:
    """A second's work. Its words are a server's words, neither bounded nor redacted: they are heard only where the owner asks for them."""
    importlib.import_module("mcp.client.session")
    for name in ("mcp.client", "client"):
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.CRITICAL)


@asynccontextmanager
async def _process(part: ServerPart, filled: Filled, loss: Loss, said: ServerLog) -> "AsyncIterator[TransportStreams]":
    command = [await filled.text(word) for word in part.command or ()]
    process = await ServerProcess.start(command, await filled.all(part.env), part.cwd)
    async with pipes(process, loss, said) as streams:
        yield streams


@asynccontextmanager
async def _web(part: ServerPart, filled: Filled, loss: Loss, addresses: Addresses) -> "AsyncIterator[TransportStreams]":
    from mcp.client.streamable_http import streamable_http_client

    from infrastructure.outgoing.streaming import streaming_client

    assert part.url is not None
    headers = await filled.all(part.headers)
    _must_be_sendable(headers)
    async with (
        streaming_client(
            addresses, headers, part.start_seconds, lambda error: loss.tell(f"{error}" or type(error).__name__), loss.forgotten
        ) as client,
        streamable_http_client(part.url, http_client=client, max_sse_event_size=MOST_MESSAGE) as streams,
    ):
        yield streams


def _must_be_sendable(headers: Mapping[str, str]) -> None:
    """Said here by name: whoever sends them would show the whole value, which may be a secret."""
    for name, value in headers.items():
        if not value.isascii() or not value.isprintable() or value != value.strip():
            raise ConnectionLost(f"the header {name} has what no header may have")
