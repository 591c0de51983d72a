"""A name server that does not answer holds up those who ask it, and nobody else."""

import asyncio
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from infrastructure.outgoing import addresses
from infrastructure.outgoing.addresses import Addresses, place_of, resolve
from infrastructure.tools.threads import SpareThreads


@dataclass
class Silent:
    """In place of the resolver: answers nobody until it `may`. `asked`: names."""

    may: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)

    def __call__(self, host: str, port: int, **more: Any) -> list[tuple[Any, ...]]:
        self.asked.append(host)
        self.may.wait(30)
        return [(0, 0, 0, "", ("8.8.8.8", port))]


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Silent]:
    found = Silent()
    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setattr(addresses, "_LOOKING", SpareThreads(32))
    yield found
    found.may.set()


async def test_names_that_nobody_answers_for_leave_the_threads_of_the_others_free(silent: Silent) -> None:
    waiting = [asyncio.create_task(resolve(f"dead{number}.test", 80)) for number in range(200)]
    await asyncio.sleep(0)

    assert await asyncio.wait_for(asyncio.to_thread(lambda: "free"), 10) == "free"
    silent.may.set()
    assert await asyncio.gather(*waiting) == [["8.8.8.8"]] * 200


async def test_a_look_up_is_waited_for_so_long_and_no_longer() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return ()

    with pytest.raises(OSError, match=r"no name server has answered within 0\.01 s"):
        await asyncio.wait_for(Addresses(resolve=never, seconds=0.01).find(place_of("https://dead.test")), 10)


async def test_a_name_whose_turn_comes_too_late_is_not_looked_up(silent: Silent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "LOOK_UP_SECONDS", 0.0)
    with pytest.raises(OSError, match="too late"):
        await resolve("late.test", 80)
    assert silent.asked == []
