"""A Redis that is killed, stalled, emptied, restarted or shut: nobody waits for it, one line says so, and it is taken up again."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeAlias

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from domain.ids import Position, RunId, ThreadId, WorkerId
from domain.ports.feed import Feed, Passing, Slow
from domain.ports.hints import QUEUE
from domain.ports.journal import Recorded
from domain.ports.limits import Rate
from domain.ports.registry import WorkerCard
from infrastructure.between import Between
from infrastructure.feed import News, ProcessFeed
from infrastructure.redis.cache import RedisCacheAdapter
from infrastructure.redis.link import CALL_SECONDS, RedisAway, open_link
from infrastructure.redis.open import open_redis
from tests.integration.redis.test_feed import Counted
from tests.integration.redis.waiting import until
from tests.servers.redis import RedisServer, running_redis

THREAD, RUN = ThreadId("thread"), RunId("run")
NEVER = 3600.0
CARD = WorkerCard(WorkerId("a"), "host", 42, "0.1.0", datetime(2026, 5, 4, tzinfo=UTC), 0, datetime(2026, 5, 4, tzinfo=UTC))

Break: TypeAlias = Callable[[RedisServer], None]
OUTAGES = [
    pytest.param(RedisServer.kill, RedisServer.start, id="killed and restarted empty"),
    pytest.param(RedisServer.stall, RedisServer.go_on, id="stalled and going on"),
]


@pytest.fixture
def logs() -> Iterator[list[EventDict]]:
    with capture_logs() as lines:
        yield lines


@asynccontextmanager
async def process(server: RedisServer, name: str, counted: Counted | None = None) -> AsyncIterator[Between]:
    async with open_redis(server.url, name, ProcessFeed(poll_seconds=NEVER), counted or Counted()) as between:
        yield between


async def quickly(seconds: float, call: Callable[[], object]) -> None:
    began = asyncio.get_running_loop().time()
    found = call()
    if asyncio.iscoroutine(found):
        await found
    assert asyncio.get_running_loop().time() - began < seconds


def is_up(counted: Counted) -> bool:
    return counted.up[-1:] == [True]


def about_redis(lines: list[EventDict]) -> list[str]:
    return [line["log_level"] for line in lines if "Redis" in line["event"]]


async def passed(worker: Feed, news: AsyncIterator[News], piece: str) -> None:
    """Chunks pass from the worker to the reader, if not this one then the next."""
    async with asyncio.timeout(15):
        while True:
            worker.pass_by(Passing(RUN, "text", "/a#1", piece))
            try:
                async with asyncio.timeout(0.05):
                    while (item := await anext(news)) is None or not (isinstance(item, Passing) and item.text == piece):
                        pass
                return
            except TimeoutError:
                continue


@pytest.mark.parametrize(("begin", "end"), OUTAGES)
async def test_an_outage_costs_one_warning_and_its_end_one_line(
    redis_server: RedisServer, begin: Break, end: Break, logs: list[EventDict]
) -> None:
    counted = Counted()
    async with process(redis_server, "a", counted) as a:
        begin(redis_server)
        await until(lambda: counted.up == [True, False], "it is noticed")
        for number in range(200):
            await quickly(0.1, lambda number=number: a.cache.set(f"{number}", b"x"))  # type: ignore[misc]
            await quickly(0.1, lambda: a.limits.hit("k", Rate(1000, 60.0)))
            await quickly(0.1, lambda: a.registry.beat(CARD))
        assert a.check is not None
        assert not (await a.check()).ready
        end(redis_server)
        await until(lambda: counted.up == [True, False, True], "it is taken up again")
        assert (await a.check()).ready

    assert about_redis(logs) == ["warning", "info"]


@pytest.mark.parametrize(("begin", "end"), OUTAGES)
async def test_a_cache_goes_on_in_memory_and_forgets_that_when_the_server_is_back(
    redis_server: RedisServer, begin: Break, end: Break
) -> None:
    async with open_link(redis_server.url) as link:
        cache = RedisCacheAdapter(link, 60.0)
        await cache.set("before", b"1")
        begin(redis_server)
        await quickly(CALL_SECONDS + 0.3, lambda: cache.set("asked as it went", b"0"))  # a stalled server reads it when it goes on
        await quickly(0.1, lambda: cache.set("during", b"2"))
        assert await cache.get("during") == b"2"
        end(redis_server)
        await until(lambda: link.is_up, "back")
        await cache.set("after", b"3")
        assert (await cache.get("during"), await cache.get("after")) == (None, b"3")


async def test_what_was_kept_in_memory_in_one_outage_is_not_told_in_the_next(redis_server: RedisServer) -> None:
    async with open_link(redis_server.url) as link:
        cache = RedisCacheAdapter(link, 60.0)
        redis_server.kill()
        await cache.set("a", b"old")
        redis_server.start()
        await until(lambda: link.is_up, "back")
        await cache.set("a", b"new")
        redis_server.kill()

        assert await cache.get("a") is None


async def test_while_the_server_is_away_each_process_limits_by_itself(redis_server: RedisServer) -> None:
    rate = Rate(2, 3600.0)
    async with process(redis_server, "a") as a, process(redis_server, "b") as b:
        assert [(await each.limits.hit("k", rate)).allowed for each in (a, b, a)] == [True, True, False]
        redis_server.kill()

        assert [(await each.limits.hit("k", rate)).allowed for each in (a, b, a, b, a, b)] == [True] * 4 + [False] * 2


async def test_while_the_server_is_away_a_process_lists_its_own_worker_and_after_it_all(redis_server: RedisServer) -> None:
    other = replace(CARD, id=WorkerId("b"))
    async with process(redis_server, "a") as a, process(redis_server, "b") as b:
        await a.registry.beat(CARD)
        await b.registry.beat(other)
        assert await a.registry.list() == [CARD, other]
        redis_server.tell("FLUSHALL")
        await a.registry.beat(CARD)
        assert await b.registry.list() == [CARD]
        redis_server.kill()
        assert (await a.registry.list(), await b.registry.list()) == ([CARD], [other])


@pytest.mark.parametrize(("begin", "end"), OUTAGES)
async def test_publishing_never_waits_and_chunks_pass_again_after_the_outage(redis_server: RedisServer, begin: Break, end: Break) -> None:
    counted = Counted()
    async with (
        process(redis_server, "api") as api,
        process(redis_server, "worker", counted) as worker,
        api.feed.listen(THREAD, RUN, Slow.DROP_OLDEST) as news,
    ):
        await passed(worker.feed, news, "before")
        begin(redis_server)

        def publish() -> None:
            row = Recorded(THREAD, Position(1), RUN, "node_finished", b"{}", CARD.started_at)
            for _ in range(10_000):
                worker.feed.publish([row])
                worker.feed.pass_by(Passing(RUN, "text", "/a#1", "x"))

        await quickly(1.0, publish)
        await until(lambda: counted.dropped > 0, "what was lost is counted")
        await until(lambda: not is_up(counted), "the outage is seen")
        end(redis_server)
        await passed(worker.feed, news, "after")

    assert counted.dropped > 0
    assert counted.up.count(False) > 0, "the outage was seen"


async def test_a_reader_is_sent_to_the_journal_when_the_line_was_cut(redis_server: RedisServer) -> None:
    counted = Counted()
    async with process(redis_server, "api", counted) as api, api.feed.listen(THREAD, RUN, Slow.DROP_OLDEST) as news, asyncio.timeout(10):
        assert await anext(news) is None  # the line came up
        redis_server.kill()
        await until(lambda: not is_up(counted), "the outage is seen")
        redis_server.start()
        assert await anext(news) is None


async def test_after_flushall_hints_and_chunks_still_pass(redis_server: RedisServer) -> None:
    async with (
        process(redis_server, "api") as api,
        process(redis_server, "worker") as worker,
        api.feed.listen(THREAD, RUN, Slow.DROP_OLDEST) as news,
    ):
        await passed(worker.feed, news, "before")
        redis_server.tell("FLUSHALL")
        await passed(worker.feed, news, "after")
        assert worker.hints is not None
        assert api.hints is not None
        await api.hints.heard(QUEUE, 0.1)
        worker.hints.ring(QUEUE)
        await quickly(1.0, lambda: api.hints and api.hints.heard(QUEUE, 10.0))


async def test_a_wrong_password_is_an_outage_that_does_not_tell_the_password(
    redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory, logs: list[EventDict]
) -> None:
    with running_redis(tmp_path_factory.mktemp("locked"), password="right") as locked:
        locked.password = "mistaken-secret"
        async with process(locked, "a") as a:
            await a.cache.set("a", b"1")
            assert await a.cache.get("a") == b"1"
            await asyncio.sleep(1.2)  # another look, another refusal, no other line

    assert about_redis(logs) == ["warning"]
    assert "mistaken-secret" not in str(logs)


async def test_a_server_that_answers_and_refuses_is_done_without_and_said_once(redis_server: RedisServer, logs: list[EventDict]) -> None:
    async with open_link(redis_server.url) as link:
        cache = RedisCacheAdapter(link, 60.0)
        redis_server.tell("CONFIG", "SET", "maxmemory", "1")
        for _ in range(50):
            await cache.set("a", b"1")
        assert await cache.get("a") is None, "a read is not refused, and finds nothing"
        assert link.is_up

    assert about_redis(logs) == ["warning"]


async def test_a_server_that_comes_later_is_found(redis_server: RedisServer, logs: list[EventDict]) -> None:
    redis_server.kill()
    async with open_link(redis_server.url) as link:
        with pytest.raises(RedisAway):
            await link.ask(lambda redis: redis.get("a"))
        redis_server.start()
        await until(lambda: link.is_up, "found")

    assert about_redis(logs) == ["warning", "info"]


async def test_of_many_who_ask_a_stalled_server_nobody_waits_for_another(redis_server: RedisServer) -> None:
    async with open_link(redis_server.url) as link:
        redis_server.stall()

        async def ask() -> None:
            with pytest.raises(RedisAway):
                await link.ask(lambda redis: redis.get("a"))

        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(ask() for _ in range(200)))
        assert asyncio.get_running_loop().time() - began < 20 * CALL_SECONDS  # one after the other: 200 times
        redis_server.go_on()


async def test_whoever_is_cancelled_in_a_call_ends(redis_server: RedisServer) -> None:
    async with open_link(redis_server.url) as link:
        for step in range(40):

            async def ask() -> None:
                while True:
                    try:
                        await link.ask(lambda redis: redis.xread({"none": "0-0"}, block=50))
                    except RedisAway:
                        await asyncio.sleep(0)

            asking = asyncio.create_task(ask())
            await asyncio.sleep(step * 0.0003)
            asking.cancel()
            done, _ = await asyncio.wait([asking], timeout=5)
            assert done, "it goes on"
