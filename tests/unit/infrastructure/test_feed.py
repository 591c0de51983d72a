import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import chain

import pytest

from domain.ids import Position, RunId, ThreadId
from domain.ports.feed import Passing
from domain.ports.journal import Recorded
from infrastructure.feed import News, ProcessFeed

THREAD, RUN = ThreadId("thread"), RunId("run")
NEVER = 3600.0


def row(position: int, run: RunId = RUN, thread: ThreadId = THREAD) -> Recorded:
    return Recorded(thread, Position(position), run, "node_finished", b"{}", datetime(2026, 5, 4, tzinfo=UTC))


def text(piece: str, run: RunId = RUN) -> Passing:
    return Passing(run, "text", "/a#1", piece)


async def heard(news: AsyncIterator[News], count: int) -> list[News]:
    async with asyncio.timeout(10):
        return [await anext(news) for _ in range(count)]


async def test_a_listener_hears_rows_and_passing_news_of_its_run_in_order() -> None:
    feed = ProcessFeed(poll_seconds=NEVER)
    async with feed.listen(THREAD, RUN) as news:
        feed.publish([row(1), row(1, RunId("other")), row(2)])
        feed.pass_by(text("hel"))
        feed.pass_by(text("not yours", RunId("other")))
        feed.publish([row(3)])

        assert await heard(news, 4) == [row(1), row(2), text("hel"), row(3)]


async def test_news_wake_a_listener_that_waits() -> None:
    feed = ProcessFeed(poll_seconds=NEVER)
    async with feed.listen(THREAD, RUN) as news:
        waiting = asyncio.create_task(heard(news, 1))
        await asyncio.sleep(0)
        feed.publish([row(1)])

        assert await waiting == [row(1)]


async def test_every_listener_of_a_run_hears_everything() -> None:
    feed = ProcessFeed(poll_seconds=NEVER)
    async with feed.listen(THREAD, RUN) as first, feed.listen(THREAD, RUN) as second:
        feed.publish([row(1), row(2)])

        assert await heard(first, 2) == await heard(second, 2) == [row(1), row(2)]


async def test_what_happened_before_listening_is_not_news() -> None:
    feed = ProcessFeed(poll_seconds=NEVER)
    feed.publish([row(1)])
    async with feed.listen(THREAD, RUN) as news:
        feed.publish([row(2)])

        assert await heard(news, 1) == [row(2)]


async def test_a_run_is_wanted_while_somebody_listens_to_it() -> None:
    feed = ProcessFeed()
    assert not feed.wanted(RUN)
    async with feed.listen(THREAD, RUN):
        async with feed.listen(THREAD, RUN):
            assert feed.wanted(RUN)
        assert feed.wanted(RUN)
        assert not feed.wanted(RunId("other"))
    assert not feed.wanted(RUN)


async def test_a_listener_that_leaves_by_an_error_is_forgotten() -> None:
    feed = ProcessFeed()
    with pytest.raises(ConnectionError):
        async with feed.listen(THREAD, RUN):
            raise ConnectionError
    assert not feed.wanted(RUN)


async def test_silence_ends_in_a_look_at_the_journal_again_and_again() -> None:
    feed = ProcessFeed(poll_seconds=0.005)
    async with feed.listen(THREAD, RUN) as news:
        assert await heard(news, 3) == [None, None, None]


async def test_passing_news_alone_do_not_keep_a_listener_from_the_journal() -> None:
    """The run may have moved to another process, whose rows make no noise here."""
    feed = ProcessFeed(poll_seconds=0.01)
    heard_so_far: list[News] = []
    async with feed.listen(THREAD, RUN) as news, asyncio.timeout(10):
        while None not in heard_so_far[-1:]:
            feed.pass_by(text("x"))
            heard_so_far.append(await anext(news))
            await asyncio.sleep(0)

    assert heard_so_far.count(text("x")) == len(heard_so_far) - 1 > 0


async def test_a_slow_listener_loses_what_passes_by_first_and_is_told() -> None:
    feed = ProcessFeed(buffer=4, poll_seconds=NEVER)
    async with feed.listen(THREAD, RUN) as news:
        feed.publish([row(1)])
        for piece in "abcdef":
            feed.pass_by(text(piece))
        feed.publish([row(2), row(3)])

        assert await heard(news, 4) == [None, row(1), row(2), row(3)]


async def test_a_listener_that_only_lost_what_passed_by_keeps_what_fitted() -> None:
    feed = ProcessFeed(buffer=2, poll_seconds=NEVER)
    async with feed.listen(THREAD, RUN) as news:
        for piece in "abc":
            feed.pass_by(text(piece))

        assert await heard(news, 3) == [None, text("a"), text("b")]


async def test_a_listener_too_slow_for_the_rows_is_sent_to_the_journal_before_it_hears_more() -> None:
    feed = ProcessFeed(buffer=4, poll_seconds=NEVER)
    async with feed.listen(THREAD, RUN) as news:
        feed.publish([row(position) for position in range(1, 7)])

        assert await heard(news, 3) == [None, row(5), row(6)]


async def test_the_buffer_is_bounded_whatever_comes() -> None:
    feed = ProcessFeed(buffer=10, poll_seconds=NEVER)
    async with feed.listen(THREAD, RUN) as news:
        for position in range(1, 500):
            feed.publish([row(position)])
            feed.pass_by(text("x"))
        waiting = asyncio.create_task(heard(news, 12))
        kept = (await asyncio.wait([waiting], timeout=0.05), waiting.cancel())

        assert not kept[0][0], "at most one None and ten news were waiting"


async def test_a_slow_listener_costs_the_others_nothing() -> None:
    feed = ProcessFeed(buffer=4, poll_seconds=NEVER)
    async with feed.listen(THREAD, RUN), feed.listen(THREAD, RUN) as quick:
        got = []
        for position in range(1, 101):
            feed.publish([row(position)])
            got.append(await heard(quick, 1))

        assert list(chain(*got)) == [row(position) for position in range(1, 101)]
