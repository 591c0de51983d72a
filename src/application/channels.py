"""Which channels a thread may hold, as the workflow says whose run is under way there, or came last."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from application.past import Moment
from domain.change import escaped
from domain.errors import Problem
from domain.graph.definition import Channel
from domain.ids import TenantId, ThreadId
from domain.json import Json
from domain.ports.repositories import RunFilter, Runs, Threads, Workflows
from domain.ports.schemas import Schemas
from domain.run.run import Run

Channels: TypeAlias = Mapping[str, Channel]


@dataclass(frozen=True, slots=True)
class FindChannels:
    """The newest run counts, also one that has not begun: what the thread holds is what it will start from."""

    runs: Runs
    threads: Threads
    workflows: Workflows

    async def __call__(self, tenant: TenantId, moment: Moment) -> Channels | None:
        """None: no run has been there yet, so nobody knows. Of a branch without runs those of its ancestors count."""
        if moment.run is not None:
            return moment.run.root.graph.graph.channels
        run = await self._newest(tenant, moment.thread)
        return None if run is None else (await self.workflows.by_hash(tenant, run.workflow_hash)).graph.channels

    async def _newest(self, tenant: TenantId, thread: ThreadId | None) -> Run | None:
        while thread is not None:
            page = await self.runs.list(tenant, RunFilter(thread=thread), 1, None)
            if page.items:
                return page.items[0]
            thread = (await self.threads.get(tenant, thread)).parent
        return None


def misfits(
    schemas: Schemas,
    channels: Channels | None,
    held: Collection[str],
    values: Mapping[str, Json],
    touched: Collection[str],
    *,
    is_under_way: bool = False,
) -> Iterator[Problem]:
    """What the channels have against new values of those that were touched; pointers from the state's root. A channel that no
    workflow knows may only be one that the thread held before (another workflow left it there), unless no workflow is known at all.
    A run that `is_under_way` has taken its defaults, and counts on them."""
    if channels is None:
        return
    for name in touched:
        channel = channels.get(name)
        pointer = f"/{escaped(name)}"
        if channel is None:
            if name not in held:
                sentence = f"the workflow has no channel `{name}`; it has {', '.join(sorted(channels)) or 'none'}"
                yield Problem(pointer, "unknown_channel", sentence)
        elif name in values:
            for problem in schemas.compile(channel.schema).problems(values[name]):
                yield Problem(pointer + problem.pointer, problem.code, problem.message)
        elif is_under_way and channel.has_default:
            sentence = f"channel `{name}` has a default, so the run that is under way counts on a value: update it instead"
            yield Problem(pointer, "required", sentence)
