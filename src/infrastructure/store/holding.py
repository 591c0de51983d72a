"""What the stores say alike about holding a thread from outside."""

from domain.errors import ThreadBusy
from domain.ids import Epoch, Position, RunId, TenantId, ThreadId
from domain.ports.holds import NO_RUN, OUTSIDE, Hold
from domain.ports.journal import Lease


def hold_of(tenant: TenantId, thread: ThreadId, run: str | None, epoch: int, position: int) -> Hold:
    return Hold(Lease(tenant, thread, RunId(run or NO_RUN), Epoch(epoch), OUTSIDE), Position(position))


def busy(thread: ThreadId, run: str) -> ThreadBusy:
    return ThreadBusy(f"run {run} is under way on thread {thread}: wait until it has ended or is parked, or pause it, and ask again")
