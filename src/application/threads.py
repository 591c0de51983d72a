"""Threads: lines of state that outlive runs."""

from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from application.names import id_or
from application.once import Once, digest_of
from application.paging import PageOrder, shown
from application.views import PageView, ThreadView
from domain.access import Principal, Role
from domain.errors import ThreadNotFound
from domain.ids import NewId, ThreadId
from domain.ports.clock import Clock
from domain.ports.repositories import Threads
from domain.thread import Thread, ThreadMetadata

Text = Annotated[str, Field(strict=True, max_length=2000, pattern=r"^[^\x00]*$")]


class ThreadOrder(BaseModel):
    """What a new thread is called, and what its owner wants to find it by."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: Text | None = None
    description: Text | None = None
    labels: dict[str, JsonValue] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenThread:
    """With a key, the id is settled first: who comes again finds the thread, or makes the one that was not made."""

    threads: Threads
    once: Once
    new_id: NewId
    clock: Clock

    async def __call__(self, who: Principal, order: ThreadOrder, key: str | None = None) -> ThreadView:
        who.must_be(Role.OPERATOR)
        thread = self._asked_for(who, order)
        if key is None:
            await self.threads.add(thread)
            return ThreadView.of(thread)
        named = await self.once.named(who, key, digest_of("thread", order.model_dump(mode="json")), thread.id)
        await self.threads.add(replace(thread, id=ThreadId(named)))
        return ThreadView.of(await self.threads.get(who.tenant, ThreadId(named)))

    def _asked_for(self, who: Principal, order: ThreadOrder) -> Thread:
        about = ThreadMetadata(order.name, order.description)
        return Thread(ThreadId(self.new_id()), who.tenant, self.clock.now(), metadata=about, labels=order.labels)


@dataclass(frozen=True, slots=True)
class GetThread:
    threads: Threads

    async def __call__(self, who: Principal, thread: str) -> ThreadView:
        who.must_be(Role.VIEWER)
        return ThreadView.of(await self.threads.get(who.tenant, ThreadId(id_or(ThreadNotFound, thread))))


@dataclass(frozen=True, slots=True)
class ListThreads:
    threads: Threads

    async def __call__(self, who: Principal, order: PageOrder) -> PageView[ThreadView]:
        who.must_be(Role.VIEWER)
        return shown(await self.threads.list(who.tenant, order.limit, order.cursor), ThreadView.of)
