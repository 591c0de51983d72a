"""Calls of one key wait for their turn before a real server that counts."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from domain.model import ModelRequest, ModelResponse
from domain.pacing import Rates
from infrastructure.clock import SystemClock
from infrastructure.models.listing import Listing
from infrastructure.models.registry import ConfiguredModels
from infrastructure.models.settings import Endpoint, ModelSettings
from infrastructure.store.memory import open_memory
from infrastructure.store.open import open_store
from tests.integration.store.builders import graph_of

MODEL = "openai/gpt-4o-mini"
WINDOW = 0.5
ANSWER = {"choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 5, "completion_tokens": 1}}


@dataclass(slots=True)
class Counting:
    """A provider that allows `most` requests in any window and answers 429 to the others."""

    most: int
    came: deque[float] = field(default_factory=deque)
    answered: int = 0
    refused: int = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
                await reader.readexactly(length)
                writer.write(self._answer())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def _answer(self) -> bytes:
        now = asyncio.get_running_loop().time()
        while self.came and self.came[0] <= now - WINDOW:
            self.came.popleft()
        if len(self.came) >= self.most:
            self.refused += 1
            body, status = b'{"error": {"message": "slow down"}}', f"429 No\r\nretry-after-ms: {WINDOW * 1000:.0f}"
        else:
            self.answered += 1
            self.came.append(now)
            body, status = json.dumps(ANSWER).encode(), "200 OK"
        return f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


@asynccontextmanager
async def serving(provider: Counting) -> AsyncIterator[str]:
    server = await asyncio.start_server(provider, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


@pytest.fixture
def short_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute of limits is the server's window."""
    minute = Listing.rates
    monkeypatch.setattr(Listing, "rates", lambda self, model: Rates(minute(self, model).requests, None, WINDOW))


def models_at(base_url: str, lanes: object, limit: int | None) -> ConfiguredModels:
    endpoint = Endpoint(base_url, adapter="openai", requests_per_minute=limit)
    return ConfiguredModels(ModelSettings({"fast": MODEL}, {MODEL: endpoint}), lanes=lanes)  # type: ignore[arg-type]


async def ask(models: ConfiguredModels) -> ModelResponse:
    return await models.complete(ModelRequest("fast", ({"role": "user", "content": "hello"},), timeout_seconds=30.0))


@pytest.mark.usefixtures("short_minutes")
async def test_fifty_calls_at_once_of_two_processes_all_succeed_and_the_server_has_nothing_to_refuse(tmp_path: Path) -> None:
    """Ours is below the server's, which counts when requests come, not when they leave: this machine may be busy."""
    provider = Counting(20)
    url = f"sqlite:///{tmp_path / 'weft.db'}"

    async with serving(provider) as base_url, open_store(url, parse=graph_of, clock=SystemClock(), on_committed=lambda *_: None) as store:
        processes = [models_at(base_url, store.lanes, 10) for _ in range(2)]
        answers = await asyncio.gather(*(ask(processes[number % 2]) for number in range(50)))
        for models in processes:
            await models.close()

    assert [answer.text for answer in answers] == ["ok"] * 50
    assert provider.answered == 50
    assert provider.refused <= 1


async def test_without_a_limit_a_pause_holds_all_and_nobody_rushes_in_behind_it() -> None:
    """Only those that were under way already when it came are refused."""
    provider = Counting(20)

    async with serving(provider) as base_url, open_memory(clock=SystemClock()) as store:
        models = models_at(base_url, store.lanes, None)
        answers = await asyncio.gather(*(ask(models) for _ in range(50)))
        await models.close()

    assert (len(answers), provider.answered) == (50, 50)
    assert provider.refused <= 30
