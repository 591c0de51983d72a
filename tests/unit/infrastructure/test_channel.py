import asyncio

import pytest

from domain.errors import ChannelClosed
from infrastructure.channel import CAPACITY, WEIGHT, StreamingChannel


async def full() -> StreamingChannel[int]:
    channel: StreamingChannel[int] = StreamingChannel()
    for number in range(CAPACITY):
        await channel.send(number)
    return channel


async def sending(channel: StreamingChannel[int], item: int) -> "asyncio.Task[None]":
    """A sender that has come as far as it can."""
    task = asyncio.create_task(channel.send(item))
    await asyncio.sleep(0)
    return task


async def test_the_101st_send_waits_until_the_reader_takes_something() -> None:
    channel = await full()
    late = await sending(channel, 100)
    assert not late.done()

    assert await channel.receive() == 0
    await late
    assert [await channel.receive() for _ in range(CAPACITY)] == list(range(1, 101))


async def test_a_sender_that_gives_up_harms_no_other() -> None:
    channel = await full()
    one, other = await sending(channel, 100), await sending(channel, 101)
    one.cancel()
    await asyncio.wait([one])
    assert await channel.receive() == 0
    await other

    assert one.cancelled()
    assert [await channel.receive() for _ in range(CAPACITY)] == [*range(1, 100), 101]


async def test_senders_that_wait_are_let_in_first_come_first_served() -> None:
    channel = await full()
    waiting = [await sending(channel, number) for number in range(100, 105)]
    assert not channel.offer(105), "nobody goes past those who wait"
    got = [await channel.receive() for _ in range(105)]
    await asyncio.gather(*waiting)

    assert got == list(range(105))


async def test_a_send_to_a_reader_that_has_gone_fails_also_while_it_waits() -> None:
    channel = await full()
    waiting = await sending(channel, 100)
    channel.close()

    with pytest.raises(ChannelClosed):
        await waiting
    with pytest.raises(ChannelClosed):
        await channel.send(101)


async def test_an_error_travels_as_an_item_behind_what_was_sent_before() -> None:
    channel: StreamingChannel[int] = StreamingChannel()
    await channel.send(1)
    channel.fail(ConnectionError("the model is away"))
    await channel.send(2)

    assert await channel.receive() == 1
    with pytest.raises(ConnectionError):
        await channel.receive()
    assert await channel.receive() == 2


async def test_a_reader_that_came_first_gets_the_item_as_it_comes() -> None:
    channel: StreamingChannel[int] = StreamingChannel()
    reading = asyncio.create_task(channel.receive())
    await asyncio.sleep(0)
    await channel.send(7)

    assert await reading == 7


async def test_what_is_heavy_takes_more_room_and_what_is_heavier_than_all_of_it_goes_alone() -> None:
    channel: StreamingChannel[str] = StreamingChannel(weigh=len)
    assert channel.offer("x" * (WEIGHT + 1))
    assert not channel.offer("y")
    assert len(await channel.receive()) == WEIGHT + 1
    assert channel.offer("x" * WEIGHT)
    assert not channel.offer("y")


async def test_nothing_light_goes_past_a_heavy_one_that_waits() -> None:
    channel: StreamingChannel[str] = StreamingChannel(weigh=len)
    assert channel.offer("x" * (WEIGHT - 10))
    heavy = asyncio.create_task(channel.send("y" * 100))
    await asyncio.sleep(0)

    assert not channel.offer("z")
    await channel.receive()
    await heavy
    assert channel.offer("z")
