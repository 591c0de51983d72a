"""Wake-ups between processes. What is lost costs the poll interval, and nothing else."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

import orjson

from domain.ports.hints import INBOX, QUEUE
from infrastructure.redis.link import RedisLink
from infrastructure.redis.streams import StreamReader, tell
from infrastructure.store.bells import Bells

STREAM: Final = "weft:hints"
TOPICS: Final = frozenset({QUEUE, INBOX})
BREATH_SECONDS: Final = 0.002
"""Between two messages: what rings meanwhile goes with the next."""


@dataclass(slots=True)
class RedisHints:
    """`domain.ports.hints.Hints`. Who rings is heard at once in its own process, whatever the server does."""

    me: str
    link: RedisLink
    reader: StreamReader
    _here: Bells = field(default_factory=Bells)
    _untold: set[str] = field(default_factory=set)
    _poked: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.reader.streams[STREAM] = self._hear
        self.reader.on_through.append(self._through)

    def ring(self, topic: str) -> None:
        self._here.ring(topic)
        self._untold.add(topic)
        self._poked.set()

    async def heard(self, topic: str, timeout: float) -> None:
        await self._here.heard(topic, timeout)

    async def serve(self) -> None:
        """Tells the others, until it is cancelled."""
        while True:
            await self._poked.wait()
            self._poked.clear()
            topics, self._untold = self._untold, set()
            await tell(self.link, STREAM, orjson.dumps((self.me, sorted(topics))))
            await asyncio.sleep(BREATH_SECONDS)

    def _hear(self, message: bytes) -> None:
        match orjson.loads(message):
            case [str(process), [*topics]]:
                for topic in TOPICS.intersection(topics) if process != self.me else ():
                    self._here.ring(topic)
            case _:
                raise ValueError("no hint")

    def _through(self) -> None:
        """Something may have happened while nobody listened."""
        for topic in TOPICS:
            self._here.ring(topic)
