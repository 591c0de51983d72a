import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain

import pytest

from domain.errors import ReaderTooSlow
from domain.ids import Position, RunId, ThreadId
from domain.ports.feed import PARKED, Passing, Slow
from domain.ports.journal import Recorded
from infrastructure.channel import CAPACITY
from infrastructure.feed import News, ProcessFeed
from infrastructure.listener import ROW_BYTES, WAIT_SECONDS
from tests.virtual_time import VirtualLoop

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
    async with feed.listen(THREAD, RUN, Slow.DROP_OLDEST) as news:
        feed.publish([row(1), row(1, RunId("other")), row(2)])
        feed.pass_by(text("hel"))
        feed.pass_by(text("not yours", RunId("other")))
        feed.publish([row(3)])

        assert await heard(news, 4) == [row(1), row(2), text("hel"), row(3)]


async def test_news_wake_a_listener_that_waits() -> None:
    feed = ProcessFeed(poll_seconds=NEVER)
    async with feed.listen(THREAD, RUN, Slow.DROP_OLDEST) as news:
        waiting = asyncio.create_task(heard(news, 1))
        await asyncio.sleep(0)
        feed.publish([row(1)])

        assert await waiting == [row(1)]


async def test_every_listener_of_a_run_hears_everything() -> None:
    feed = ProcessFeed(poll_seconds=NEVER)
    async with feed.listen(THREAD, RUN, Slow.DROP_OLDEST) as first, feed.listen(THREAD, RUN, Slow.DROP_OLDEST) as second:
        feed.publish([row(1), row(2)])

        assert await heard(first, 2) == await heard(second, 2) == [row(1), row(2)]


async def test_what_happened_before_listening_is_not_news() -> None:
    feed = ProcessFeed(poll_seconds=NEVER)
    feed.publish([row(1)])
    async with feed.listen(THREAD, RUN, Slow.DROP_OLDEST) as news:
        feed.publish([row(2)])

        assert await heard(news, 1) == [row(2)]


async def test_a_run_is_wanted_while_somebody_listens_to_it() -> None:
    feed = ProcessFeed()
    assert not feed.wanted(RUN)
    async with feed.listen(THREAD, RUN, Slow.DROP_OLDEST):
        async with feed.listen(THREAD, RUN, Slow.DROP_OLDEST):
            assert feed.wanted(RUN)
        assert feed.wanted(RUN)
        assert not feed.wanted(RunId("other"))
    assert not feed.wanted(RUN)


async def test_a_listener_that_leaves_by_an_error_is_forgotten() -> None:
    feed = ProcessFeed()
    with pytest.raises(ConnectionError):
        async with feed.listen(THREAD, RUN, Slow.DROP_OLDEST):
            raise ConnectionError
    assert not feed.wanted(RUN)


async def test_silence_ends_in_a_look_at_the_journal_again_and_again() -> None:
    feed = ProcessFeed(poll_seconds=0.005)
    async with feed.listen(THREAD, RUN, Slow.DROP_OLDEST) as news:
        assert await heard(news, 3) == [None, None, None]


async def test_passing_news_alone_do_not_keep_a_listener_from_the_journal() -> None:
    """The run may have moved to another process, whose rows make no noise here."""
    feed = ProcessFeed(poll_seconds=0.01)
    heard_so_far: list[News] = []
    async with feed.listen(THREAD, RUN, Slow.DROP_OLDEST) as news, asyncio.timeout(10):
        while None not in heard_so_far[-1:]:
            feed.pass_by(text("x"))
            heard_so_far.append(await anext(news))
            await asyncio.sleep(0)

    assert heard_so_far.count(text("x")) == len(heard_so_far) - 1 > 0


def test_a_row_puts_off_the_look_at_the_journal_and_chunks_do_not() -> None:
    async def scene() -> tuple[list[News], float]:
        feed = ProcessFeed(poll_seconds=1.0)
        loop = asyncio.get_running_loop()
        async with feed.listen(THREAD, RUN, Slow.DROP_OLDEST) as news:
            began, got = loop.time(), []
            for delay, said in ((0.3, text("a")), (0.3, row(1)), (0.3, text("b"))):
                waiting = asyncio.ensure_future(anext(news))
                await asyncio.sleep(delay)
                feed.pass_by(said) if isinstance(said, Passing) else feed.publish([said])
                got.append(await waiting)
            return [*got, await anext(news)], loop.time() - began

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        found, seconds = runner.run(scene())

    assert found == [text("a"), row(1), text("b"), None]
    assert seconds == pytest.approx(1.6)


async def test_a_listener_that_waited_leaves_no_timer_behind() -> None:
    feed = ProcessFeed(poll_seconds=NEVER)
    async with feed.listen(THREAD, RUN, Slow.DROP_OLDEST) as news:
        for number in range(20):
            waiting = asyncio.ensure_future(anext(news))
            await asyncio.sleep(0)
            feed.pass_by(text(str(number)))
            await waiting
        looks = _timers_of(news)

    assert len(looks) == 1
    assert looks[0].cancelled()


def _timers_of(listener: object) -> list[asyncio.TimerHandle]:
    """All that the loop holds for it, also those that were taken back."""
    timers: list[asyncio.TimerHandle] = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
    return [timer for timer in timers if getattr(timer._callback, "__self__", None) is listener]  # type: ignore[attr-defined]


async def test_rows_and_chunks_do_not_take_each_others_room() -> None:
    feed = ProcessFeed(buffer=4, poll_seconds=NEVER)
    async with feed.listen(THREAD, RUN, Slow.DROP_OLDEST) as news:
        feed.publish([row(1)])
        for piece in "abcdef":
            feed.pass_by(text(piece))
        feed.publish([row(2), row(3)])

        assert await heard(news, 9) == [row(1), *map(text, "abcdef"), row(2), row(3)]


async def test_a_listener_too_slow_for_the_rows_is_sent_to_the_journal_before_it_hears_more() -> None:
    feed = ProcessFeed(buffer=4, poll_seconds=NEVER)
    async with feed.listen(THREAD, RUN) as news:
        feed.publish([row(position) for position in range(1, 7)])
        assert await heard(news, 1) == [None]

        feed.publish([row(7)])
        assert await heard(news, 1) == [row(7)]


async def test_rows_too_large_to_wait_are_read_from_the_journal_again() -> None:
    feed = ProcessFeed(poll_seconds=NEVER)
    async with feed.listen(THREAD, RUN) as news:
        for position in (1, 2):
            feed.publish([replace(row(position), body=b'"' + b"x" * (ROW_BYTES // 2) + b'"')])

        assert (await heard(news, 1), news.ready()) == ([None], [])


async def test_nothing_is_kept_for_a_listener_that_never_reads_but_what_its_bounds_allow() -> None:
    lost: list[int] = []
    feed = ProcessFeed(buffer=10, poll_seconds=NEVER, dropped=lost.append)
    async with feed.listen(THREAD, RUN, Slow.DROP_OLDEST) as news:
        for position in range(1, 501):
            feed.publish([row(position)])
            feed.pass_by(text("x"))

        assert (await heard(news, 1), len(news.ready()), sum(lost)) == ([None], CAPACITY, 400)


async def test_who_asked_for_no_chunks_hears_only_that_the_run_parked() -> None:
    feed = ProcessFeed(poll_seconds=NEVER)
    parked = Passing(RUN, PARKED, "")
    async with feed.listen(THREAD, RUN) as news:
        feed.pass_by(text("a"))
        feed.pass_by(parked)

        assert (await heard(news, 1), news.ready()) == ([parked], [])


async def test_the_oldest_chunks_go_and_the_next_one_says_how_many() -> None:
    feed = ProcessFeed(poll_seconds=NEVER)
    async with feed.listen(THREAD, RUN, Slow.DROP_OLDEST) as news:
        for number in range(CAPACITY + 3):
            feed.pass_by(text(str(number)))
        first, *others = await heard(news, CAPACITY)

        assert first == replace(text("3"), dropped=3)
        assert others == [text(str(number)) for number in range(4, CAPACITY + 3)]


async def test_chunks_that_wait_for_room_get_it_when_the_reader_reads_on_in_time() -> None:
    feed = ProcessFeed(poll_seconds=NEVER)
    async with feed.listen(THREAD, RUN, Slow.BLOCK) as news:
        for number in range(CAPACITY * 2 + 5):
            feed.pass_by(text(str(number)))
        feed.publish([row(1)])
        got = await heard(news, CAPACITY * 2 + 1)

        assert got[0] == replace(text("0"), dropped=5), "twice as many as fit: the newest found no room to wait in"
        assert got[1:] == [*(text(str(number)) for number in range(1, CAPACITY * 2)), row(1)]


def test_chunks_that_wait_too_long_for_room_go() -> None:
    async def scene() -> list[News]:
        feed = ProcessFeed(poll_seconds=NEVER)
        async with feed.listen(THREAD, RUN, Slow.BLOCK) as news:
            for number in range(CAPACITY + 5):
                feed.pass_by(text(str(number)))
            await asyncio.sleep(WAIT_SECONDS + 0.1)
            got = await heard(news, CAPACITY)
            feed.pass_by(text("later"))
            return [*got, *await heard(news, 1)]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        found = runner.run(scene())

    assert found == [replace(text("0"), dropped=5), *(text(str(number)) for number in range(1, CAPACITY)), text("later")]


async def test_a_reader_that_asked_for_it_is_let_go_when_it_falls_behind() -> None:
    feed = ProcessFeed(poll_seconds=NEVER)
    async with feed.listen(THREAD, RUN, Slow.DISCONNECT) as news:
        for number in range(CAPACITY + 50):
            feed.pass_by(text(str(number)))

        assert await heard(news, CAPACITY) == [text(str(number)) for number in range(CAPACITY)]
        with pytest.raises(ReaderTooSlow):
            await anext(news)


@pytest.mark.parametrize("slow", list(Slow))
async def test_a_chunk_for_a_reader_that_never_reads_holds_nobody_and_reaches_the_others(slow: Slow) -> None:
    feed = ProcessFeed(poll_seconds=NEVER)
    async with feed.listen(THREAD, RUN, slow), feed.listen(THREAD, RUN, slow) as quick:
        for number in range(CAPACITY * 3):
            feed.pass_by(text(str(number)))
            assert await heard(quick, 1) == [text(str(number))]


async def test_a_slow_listener_costs_the_others_nothing() -> None:
    feed = ProcessFeed(buffer=4, poll_seconds=NEVER)
    async with feed.listen(THREAD, RUN, Slow.DROP_OLDEST), feed.listen(THREAD, RUN, Slow.DROP_OLDEST) as quick:
        got = []
        for position in range(1, 101):
            feed.publish([row(position)])
            got.append(await heard(quick, 1))

        assert list(chain(*got)) == [row(position) for position in range(1, 101)]
