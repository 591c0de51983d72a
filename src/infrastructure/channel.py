"""A bounded channel to one reader."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from domain.errors import ChannelClosed

CAPACITY: Final = 100
"""Items."""
WEIGHT: Final = 256 * 1024
"""What all items together may weigh; a single heavier one goes through alone."""

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Sender(Generic[T]):
    """Waits for room. `until`: on the loop's clock. `taken`: of one that can be told."""

    item: T
    until: float | None = None
    taken: "asyncio.Future[None] | None" = None


class StreamingChannel(Generic[T]):
    """Nothing is locked: a sender that waits holds up nobody, and one that gives up harms no other. Who waits is let in first come, first
    served. `missed`: hears of each item that was offered in vain."""

    def __init__(
        self, capacity: int = CAPACITY, weigh: Callable[[T], int] = lambda _: 1, missed: Callable[[], None] = lambda: None
    ) -> None:
        self._capacity = capacity
        self._weigh = weigh
        self._missed = missed
        self._items: deque[T | BaseException] = deque()
        self._weight = 0
        self._senders: deque[_Sender[T]] = deque()
        self._arrived = asyncio.Event()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._items)

    async def send(self, item: T) -> None:
        """Waits while the channel is full. `ChannelClosed` when the reader has gone, also while waiting."""
        if self.offer(item):
            return
        sender = _Sender(item, taken=asyncio.get_running_loop().create_future())
        self._senders.append(sender)
        try:
            await sender.taken  # type: ignore[misc]
        except asyncio.CancelledError:
            if sender in self._senders:
                self._senders.remove(sender)
            raise

    def offer(self, item: T, wait_seconds: float = 0.0) -> bool:
        """Never waits itself. When there is no room, the item may wait for some as long as `wait_seconds`; False: it may not."""
        if self._is_closed:
            raise ChannelClosed("nobody reads this any more")
        if self._senders:
            self._let_in()
        if not self._senders and self._has_room(item):
            self._put(item)
            return True
        if not wait_seconds or len(self._senders) >= self._capacity or self._weigh(item) * self._capacity > WEIGHT:
            return False
        self._senders.append(_Sender(item, asyncio.get_running_loop().time() + wait_seconds))
        return True

    def fail(self, error: BaseException) -> None:
        """The reader gets what was sent before, then this error. There is always room for it."""
        self._items.append(error)
        self._arrived.set()

    def drop_oldest(self) -> None:
        self._pop()
        self._missed()

    def peek(self) -> T | BaseException | None:
        """What `take` would give; None when there is nothing."""
        if self._senders:
            self._let_in()
        return self._items[0] if self._items else None

    def take(self) -> T:
        """The oldest item, or the error that was sent in its place. Only when `peek` says that there is one."""
        item = self._pop()
        if self._senders:
            self._let_in()
        if isinstance(item, BaseException):
            raise item
        return item

    async def receive(self) -> T:
        """As `take`, once there is something."""
        while self.peek() is None:
            self._arrived.clear()
            await self._arrived.wait()
        return self.take()

    def close(self) -> None:
        """The reader goes: whoever sends, or waits to, is told."""
        self._is_closed = True
        self._items.clear()
        for sender in self._senders:
            if sender.taken is not None and not sender.taken.done():
                sender.taken.set_exception(ChannelClosed("nobody reads this any more"))
        self._senders.clear()

    def _has_room(self, item: T) -> bool:
        return not self._items or (len(self._items) < self._capacity and self._weight + self._weigh(item) <= WEIGHT)

    def _put(self, item: T) -> None:
        self._items.append(item)
        self._weight += self._weigh(item)
        self._arrived.set()

    def _pop(self) -> T | BaseException:
        item = self._items.popleft()
        if not isinstance(item, BaseException):
            self._weight -= self._weigh(item)
        return item

    def _let_in(self) -> None:
        """Those who wait, as far as there is room; whose time is over has come in vain."""
        while self._senders:
            sender = self._senders[0]
            if sender.until is not None and sender.until < asyncio.get_running_loop().time():
                self._missed()
            elif self._has_room(sender.item):
                self._admit(sender)
            else:
                return
            self._senders.popleft()

    def _admit(self, sender: _Sender[T]) -> None:
        self._put(sender.item)
        if sender.taken is not None and not sender.taken.done():
            sender.taken.set_result(None)
