"""A run that is not to wait for what is unfinished on its thread: everything before it is cancelled, and undone where it asks for that."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from domain.access import Principal
from domain.ports.inbox import UNDO, Inbox
from domain.ports.repositories import Runs
from domain.run.run import Run
from domain.run.terms import OnBusy


@dataclass(frozen=True, slots=True)
class MakeWay:
    """Each step may be done any number of times, and changes nothing once the run has begun. What is to be undone is said before anything
    is cancelled: the run cannot begin until then."""

    runs: Runs
    inbox: Inbox

    async def __call__(self, who: Principal, run: Run) -> None:
        if not run.on_busy.cancels or run.status.is_final:
            return
        elders = await self._elders(run)
        if elders and run.on_busy is OnBusy.ROLLBACK:
            await self.inbox.put(run.tenant, run.thread, run.id, UNDO, {"run": elders[0].id, "by": who.name}, UNDO)
        for elder in elders:
            body = {"by": who.name, "reason": f"run {run.id} was started with on_busy {run.on_busy.value}"}
            await self.inbox.put(run.tenant, run.thread, elder.id, "cancel", body, "cancel")

    async def _elders(self, run: Run) -> Sequence[Run]:
        """Those unfinished ones that were started before it; none once it is over itself."""
        unfinished = await self.runs.unfinished(run.tenant, run.thread)
        elders = list(takewhile(lambda other: other.id != run.id, unfinished))
        return elders if len(elders) < len(unfinished) else ()
