"""Threads: lines of state that outlive runs, and the trees they form."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, Strict

from application.names import id_or
from application.once import Once, digest_of
from application.paging import PageOrder
from application.placing import find_session
from application.views import PageView, ThreadView, View
from domain.access import Principal, Role
from domain.errors import Problem, ThreadNotFound, ValidationError
from domain.graph.flow import Priority
from domain.ids import NewId, SessionId, TenantId, ThreadId
from domain.ports.clock import Clock
from domain.ports.repositories import Page, ThreadFilter, Threads
from domain.ports.sessions import Sessions
from domain.session import Session
from domain.thread import OnFailure, Thread, ThreadMetadata, ThreadState, ThreadType

MOST_IN_A_TREE: Final = 1_000
Text = Annotated[str, Field(strict=True, max_length=2000, pattern=r"^[^\x00]*$")]
Id = Annotated[str, Field(strict=True, max_length=64, pattern=r"^[^\x00]*$")]


class ThreadOrder(BaseModel):
    """What a new thread is called, what its owner wants to find it by, and where it belongs. One with a parent, or in a session (then its
    parent is the session's main thread where no other is named), is `parallel` to its siblings or in `sequential` order with them."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: Text | None = None
    description: Text | None = None
    labels: dict[str, JsonValue] = Field(default_factory=dict)
    thread_type: Annotated[ThreadType, Strict(False)] | None = None
    """None: `parallel` where there is a parent, else `main`."""
    parent_id: Id | None = None
    session_id: Id | None = None
    priority: Annotated[Priority, Strict(False)] | None = None
    """Of runs on it that say none; None: as its parent's."""
    on_failure: Annotated[OnFailure, Strict(False)] | None = None
    """Of a parallel thread: what becomes of what its siblings have unfinished when a run of it fails; None: `collect`."""

    def digest(self) -> str:
        newer = {"thread_type", "parent_id", "session_id", "priority", "on_failure"} - self.model_fields_set
        return digest_of("thread", self.model_dump(mode="json", exclude=newer))

    def about(self, parent: Thread | None) -> ThreadMetadata:
        usual = None if parent is None else parent.metadata.priority
        return ThreadMetadata(self.name, self.description, self.priority or usual, self.on_failure or OnFailure.COLLECT)


class ThreadListOrder(PageOrder):
    """A `state` is asked of the threads of one parent or of one session."""

    parent_id: Annotated[str | None, Field(max_length=64, pattern=r"^[^\x00]*$")] = None
    session_id: Annotated[str | None, Field(max_length=64, pattern=r"^[^\x00]*$")] = None
    type: ThreadType | None = None
    state: ThreadState | None = None

    def wanted(self) -> ThreadFilter:
        if self.state is not None and self.parent_id is None and self.session_id is None:
            sentence = "say whose threads: `state` goes with `parent_id` or `session_id`"
            raise ValidationError("that would look at every thread there is", [Problem("/query/state", "too_broad", sentence)])
        parent = None if self.parent_id is None else ThreadId(self.parent_id)
        session = None if self.session_id is None else SessionId(self.session_id)
        return ThreadFilter(parent, session, self.type, self.state)


@dataclass(frozen=True, slots=True)
class OpenThread:
    """With a key, the id is settled first: who comes again finds the thread, or makes the one that was not made. The parent is there before
    its children, and stays what it is: no thread comes from itself."""

    threads: Threads
    sessions: Sessions
    once: Once
    new_id: NewId
    clock: Clock

    async def __call__(self, who: Principal, order: ThreadOrder, key: str | None = None) -> ThreadView:
        """`ThreadNotFound`, `SessionNotFound`; `IllegalTransition` where the session is not active; `ValidationError` for what does not go
        together."""
        who.must_be(Role.OPERATOR)
        thread = await self._asked_for(who, order)
        if key is None:
            await self.threads.add(thread)
            return ThreadView.of(thread)
        named = await self.once.named(who, key, order.digest(), thread.id)
        await self.threads.add(replace(thread, id=ThreadId(named)))
        return await thread_view(self.threads, await self.threads.get(who.tenant, ThreadId(named)))

    async def _asked_for(self, who: Principal, order: ThreadOrder) -> Thread:
        session = None if order.session_id is None else await find_session(self.sessions, who, order.session_id)
        parent = await self._parent(who, order, session)
        if session is None and parent is not None and parent.session is not None:
            session = await self.sessions.get(who.tenant, parent.session)
        if session is not None:
            session.must_be_active()
        kind = order.thread_type or (ThreadType.MAIN if parent is None else ThreadType.PARALLEL)
        _must_fit(kind, parent, order.on_failure)
        return Thread(
            ThreadId(self.new_id()),
            who.tenant,
            self.clock.now(),
            kind,
            order.about(parent),
            order.labels,
            None if session is None else session.id,
            None if parent is None else parent.id,
        )

    async def _parent(self, who: Principal, order: ThreadOrder, session: Session | None) -> Thread | None:
        if order.parent_id is None:
            return None if session is None else await self.threads.get(who.tenant, session.main)
        parent = await self.threads.get(who.tenant, ThreadId(id_or(ThreadNotFound, order.parent_id)))
        if session is not None and parent.session != session.id:
            raise ThreadNotFound(f"session {session.id} has no thread {parent.id}")
        return parent


def _must_fit(kind: ThreadType, parent: Thread | None, on_failure: OnFailure | None) -> None:
    if on_failure is not None and kind is not ThreadType.PARALLEL:
        problem = Problem("/on_failure", "not_parallel", f"a {kind.value} thread takes nobody along: leave `on_failure` away")
        raise ValidationError("only parallel threads fail together", [problem])
    if kind is ThreadType.BRANCH:
        sentence = "a branch has a position: POST /v1/threads/{id}/branches makes one"
    elif kind is ThreadType.MAIN and parent is not None:
        sentence = "a main thread has no parent, and a session has its one: say `parallel` or `sequential`"
    elif kind is not ThreadType.MAIN and parent is None:
        sentence = f"a {kind.value} thread has siblings: say `parent_id` or `session_id`"
    else:
        return
    raise ValidationError("a thread of this type cannot be made so", [Problem("/thread_type", "bad_thread_type", sentence)])


@dataclass(frozen=True, slots=True)
class GetThread:
    threads: Threads

    async def __call__(self, who: Principal, thread: str) -> ThreadView:
        who.must_be(Role.VIEWER)
        return await thread_view(self.threads, await find_thread(self.threads, who, thread))


@dataclass(frozen=True, slots=True)
class ListThreads:
    threads: Threads

    async def __call__(self, who: Principal, order: ThreadListOrder) -> PageView[ThreadView]:
        """Newest first."""
        who.must_be(Role.VIEWER)
        return await threads_page(self.threads, who.tenant, await self.threads.list(who.tenant, order.limit, order.cursor, order.wanted()))


class TreeView(View):
    """`items`: the thread itself, then what comes from it, parents before their children. `truncated`: there is more below."""

    items: list[ThreadView]
    truncated: bool


@dataclass(frozen=True, slots=True)
class ShowTree:
    threads: Threads

    async def __call__(self, who: Principal, thread: str) -> TreeView:
        """Up to `MOST_IN_A_TREE` threads."""
        who.must_be(Role.VIEWER)
        root = await find_thread(self.threads, who, thread)
        found = await self.threads.below(who.tenant, root.id, MOST_IN_A_TREE + 1)
        return TreeView(items=await thread_views(self.threads, who.tenant, found[:MOST_IN_A_TREE]), truncated=len(found) > MOST_IN_A_TREE)


async def find_thread(threads: Threads, who: Principal, thread: str) -> Thread:
    return await threads.get(who.tenant, ThreadId(id_or(ThreadNotFound, thread)))


async def thread_view(threads: Threads, thread: Thread) -> ThreadView:
    return (await thread_views(threads, thread.tenant, [thread]))[0]


async def thread_views(threads: Threads, tenant: TenantId, found: Sequence[Thread]) -> list[ThreadView]:
    states = await threads.states(tenant, [thread.id for thread in found])
    return [ThreadView.of(thread, states.get(thread.id, ThreadState.PENDING)) for thread in found]


async def threads_page(threads: Threads, tenant: TenantId, page: Page[Thread]) -> PageView[ThreadView]:
    return PageView(items=await thread_views(threads, tenant, page.items), next_cursor=page.next_cursor)
