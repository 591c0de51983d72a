"""The feed between processes: what is wanted there arrives at once, in order, and nothing that is not wanted is sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from domain.ids import Position, RunId, ThreadId
from domain.ports.feed import Feed, Passing, Slow
from domain.ports.journal import Recorded
from infrastructure.feed import News, ProcessFeed
from infrastructure.redis.feed import BUFFER_NEWS, RedisFeed
from infrastructure.redis.link import RedisLink
from infrastructure.redis.news import LARGEST_ROW
from infrastructure.redis.open import open_redis
from tests.integration.redis.waiting import until
from tests.servers.redis import RedisServer

THREAD, RUN = ThreadId("thread"), RunId("run")
NEVER = 3600.0


@dataclass
class Counted:
    dropped: int = 0
    up: list[bool] = field(default_factory=list)

    def redis_seen(self, up: bool) -> None:
        self.up.append(up)

    def news_dropped(self, news: int) -> None:
        self.dropped += news

    def chunks_dropped(self, chunks: int) -> None:
        self.dropped += chunks


@asynccontextmanager
async def process(server: RedisServer, name: str, counted: Counted | None = None) -> AsyncIterator[Feed]:
    async with open_redis(server.url, name, ProcessFeed(poll_seconds=NEVER), counted or Counted()) as between:
        yield between.feed


def row(position: int, body: bytes = b'{"x": "\xc3\xa4"}', run: RunId = RUN) -> Recorded:
    return Recorded(THREAD, Position(position), run, "node_finished", body, datetime(2026, 5, 4, 1, 2, 3, 456789, tzinfo=UTC))


def text(piece: str, run: RunId = RUN) -> Passing:
    return Passing(run, "text", "/a#1", piece)


async def heard(news: AsyncIterator[News], count: int) -> list[News]:
    """The next ones that are not just a look at the journal."""
    found: list[News] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            if (item := await anext(news)) is not None:
                found.append(item)
    return found


@pytest.fixture(params=["memory", "redis"])
async def feed(request: pytest.FixtureRequest) -> AsyncIterator[Feed]:
    if request.param == "memory":
        yield ProcessFeed(poll_seconds=NEVER)
        return
    async with process(request.getfixturevalue("emptied_redis"), "me") as opened:
        yield opened


async def test_in_its_own_process_everybody_hears_everything_once_in_order(feed: Feed) -> None:
    async with feed.listen(THREAD, RUN, Slow.DROP_OLDEST) as news, feed.listen(THREAD, RUN, Slow.DROP_OLDEST) as more:
        feed.publish([row(1), row(2), row(1, run=RunId("other"))])
        feed.pass_by(text("hel"))
        feed.publish([row(3)])

        assert await heard(news, 4) == await heard(more, 4) == [row(1), row(2), text("hel"), row(3)]


async def test_a_run_is_wanted_while_somebody_listens(feed: Feed) -> None:
    assert not feed.wanted(RUN)
    async with feed.listen(THREAD, RUN, Slow.DROP_OLDEST):
        assert feed.wanted(RUN)
        assert not feed.wanted(RunId("other"))
    assert not feed.wanted(RUN)


async def test_another_process_hears_rows_and_chunks_in_order_as_they_are(emptied_redis: RedisServer) -> None:
    async with (
        process(emptied_redis, "api") as api,
        process(emptied_redis, "worker") as worker,
        api.listen(THREAD, RUN, Slow.DROP_OLDEST) as news,
    ):
        await until(lambda: worker.wanted(RUN), "the worker knows that somebody listens")
        worker.publish([row(1), row(2)])
        worker.pass_by(text("hel"))
        worker.pass_by(text("not yours", RunId("other")))
        worker.publish([row(3)])

        assert await heard(news, 4) == [row(1), row(2), text("hel"), row(3)]


async def test_a_process_that_starts_later_learns_what_is_wanted(emptied_redis: RedisServer) -> None:
    async with (
        process(emptied_redis, "api") as api,
        api.listen(THREAD, RUN, Slow.DROP_OLDEST) as news,
        process(emptied_redis, "worker") as worker,
    ):
        await until(lambda: worker.wanted(RUN), "the worker knows that somebody listens")
        worker.pass_by(text("hel"))

        assert await heard(news, 1) == [text("hel")]


async def test_several_processes_that_listen_all_hear(emptied_redis: RedisServer) -> None:
    async with (
        process(emptied_redis, "a") as one,
        process(emptied_redis, "b") as other,
        process(emptied_redis, "w") as worker,
        one.listen(THREAD, RUN, Slow.DROP_OLDEST) as news,
        other.listen(THREAD, RUN, Slow.DROP_OLDEST) as more,
    ):
        assert isinstance(worker, RedisFeed)
        await until(lambda: len(worker.wants.of(RUN)) == 2, "both are known")
        worker.pass_by(text("hel"))

        assert await heard(news, 1) == await heard(more, 1) == [text("hel")]


async def test_who_listens_to_a_thread_hears_what_passes_by_in_a_run_of_another_process_from_its_first_row_on(
    emptied_redis: RedisServer,
) -> None:
    async with (
        process(emptied_redis, "api") as api,
        process(emptied_redis, "worker") as worker,
        api.listen_to_thread(THREAD, Slow.DROP_OLDEST) as news,
    ):
        assert isinstance(worker, RedisFeed)
        await until(lambda: bool(worker.wants), "the worker knows that somebody listens")
        worker.publish([row(1)])
        worker.pass_by(text("hel"))
        worker.pass_by(text("not yours", RunId("other")))
        worker.publish([row(2)])

        assert await heard(aiter(news), 3) == [row(1), text("hel"), row(2)]


async def test_a_run_that_nobody_listens_to_any_more_is_forgotten(emptied_redis: RedisServer) -> None:
    async with process(emptied_redis, "api") as api, process(emptied_redis, "worker") as worker:
        async with api.listen(THREAD, RUN, Slow.DROP_OLDEST):
            await until(lambda: worker.wanted(RUN), "wanted")

        await until(lambda: not worker.wanted(RUN), "not wanted any more")

        assert not worker.wanted(RUN)


async def test_what_nobody_listens_to_is_not_sent_and_takes_no_room(emptied_redis: RedisServer, link: RedisLink) -> None:
    counted = Counted()
    async with (
        process(emptied_redis, "api") as api,
        process(emptied_redis, "worker", counted) as worker,
        api.listen(THREAD, RUN, Slow.DROP_OLDEST) as news,
    ):
        await until(lambda: worker.wanted(RUN), "wanted")
        for position in range(1, BUFFER_NEWS + 2):
            worker.publish([row(position, run=RunId("other"))])
        worker.pass_by(text("hel"))
        await heard(news, 1)

        assert await link.ask(lambda redis: redis.xlen("weft:feed:api")) == 1
        assert counted.dropped == 0


async def test_a_row_too_large_to_send_sends_the_reader_to_the_journal(emptied_redis: RedisServer) -> None:
    async with (
        process(emptied_redis, "api") as api,
        process(emptied_redis, "worker") as worker,
        api.listen(THREAD, RUN, Slow.DROP_OLDEST) as news,
    ):
        await until(lambda: worker.wanted(RUN), "wanted")
        worker.publish([row(1, b'"' + b"x" * LARGEST_ROW + b'"')])
        async with asyncio.timeout(10):
            assert await anext(news) is None


async def test_a_flood_is_dropped_and_counted_and_the_stream_stays_bounded(emptied_redis: RedisServer, link: RedisLink) -> None:
    counted = Counted()
    async with (
        process(emptied_redis, "api") as api,
        process(emptied_redis, "worker", counted) as worker,
        api.listen(THREAD, RUN, Slow.DROP_OLDEST) as news,
    ):
        await until(lambda: worker.wanted(RUN), "wanted")
        flood = BUFFER_NEWS + 500
        for _ in range(flood):
            worker.pass_by(text("x"))

        assert counted.dropped == 500
        await heard(news, 100)
        assert await link.ask(lambda redis: redis.xlen("weft:feed:api")) <= 200


async def test_a_message_that_is_none_of_ours_is_passed_over(emptied_redis: RedisServer, link: RedisLink) -> None:
    async with (
        process(emptied_redis, "api") as api,
        process(emptied_redis, "worker") as worker,
        api.listen(THREAD, RUN, Slow.DROP_OLDEST) as news,
    ):
        await until(lambda: worker.wanted(RUN), "wanted")
        for words in ("{", "[[]]", '[["r", 1]]', '[["q", "run"]]', "7", '[["r","t","1","run","k","{}","never"]]'):
            emptied_redis.tell("XADD", "weft:feed:api", "*", "m", words)
        worker.pass_by(text("hel"))

        assert await heard(news, 1) == [text("hel")]
