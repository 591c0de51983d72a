"""What the parallel and sequential threads below another came to, as soon as all of them have."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from pydantic import JsonValue

from application.following import WaitForRun
from application.taking_along import children_of
from application.threads import MOST_IN_A_TREE, find_thread
from application.views import ErrorView, View, json_value, perhaps
from domain.access import Principal, Role
from domain.ports.repositories import RunFilter, Runs, Threads
from domain.run.run import Run
from domain.thread import OnFailure, Thread, ThreadState, ThreadType


class ChildView(View):
    """`run_id`, `output` and `error` of its newest run; null where it has had none."""

    id: str
    name: str | None
    type: ThreadType
    on_failure: OnFailure | None
    state: ThreadState
    run_id: str | None
    output: JsonValue
    error: ErrorView | None

    @classmethod
    def of(cls, thread: Thread, state: ThreadState, run: Run | None) -> "ChildView":
        return cls(
            id=thread.id,
            name=thread.metadata.name,
            type=thread.thread_type,
            on_failure=thread.metadata.on_failure if thread.thread_type is ThreadType.PARALLEL else None,
            state=state,
            run_id=None if run is None else run.id,
            output=None if run is None else json_value(run.output),
            error=None if run is None else perhaps(ErrorView.of, run.failure),
        )


class ChildrenView(View):
    """`state`: what some of them still do (`running` before `paused` before `pending`), else `failed` when one has, else `completed`;
    `pending` where there are none. `items`: in the order in which they were made. `truncated`: there are more."""

    state: ThreadState
    items: list[ChildView]
    truncated: bool


@dataclass(frozen=True, slots=True)
class JoinChildren:
    """Branches are none of them: they are other ways, and nobody waits for those."""

    threads: Threads
    runs: Runs
    wait: WaitForRun

    async def __call__(self, who: Principal, thread: str, seconds: float) -> ChildrenView:
        """Waits so long at most until none of them has a run that goes on by itself."""
        who.must_be(Role.VIEWER)
        parent = await find_thread(self.threads, who, thread)
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._settle(who, parent, seconds)
        return await self._view(parent)

    async def _settle(self, who: Principal, parent: Thread, seconds: float) -> None:
        while running := await self._running(parent):
            for run in running:
                await self.wait(who, run.id, seconds)

    async def _running(self, parent: Thread) -> Sequence[Run]:
        """The first unfinished run of each child; those behind one that waits for somebody wait with it."""
        found = [await self.runs.unfinished(child.tenant, child.id) for child in await self._children(parent)]
        return [runs[0] for runs in found if runs and not await self.wait.has_settled(runs[0])]

    async def _children(self, parent: Thread) -> list[Thread]:
        """Newest first; one more than is shown."""
        found = children_of(self.threads, parent.tenant, parent.id)
        return [child async for child in found if child.thread_type is not ThreadType.BRANCH][: MOST_IN_A_TREE + 1]

    async def _view(self, parent: Thread) -> ChildrenView:
        children = await self._children(parent)
        states = await self.threads.states(parent.tenant, [child.id for child in children])
        shown = reversed(list(islice(children, MOST_IN_A_TREE)))
        items = [ChildView.of(child, states.get(child.id, ThreadState.PENDING), await self._newest(child)) for child in shown]
        return ChildrenView(state=ThreadState.together(states.values()), items=items, truncated=len(children) > MOST_IN_A_TREE)

    async def _newest(self, child: Thread) -> Run | None:
        page = await self.runs.list(child.tenant, RunFilter(thread=child.id), 1, None)
        return page.items[0] if page.items else None
