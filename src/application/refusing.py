"""The end of a run that cannot be carried: its version is gone, its rows are of a newer Weft, workers die of it, or Weft itself failed."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from application.appending import EngineTools
from application.spans import run_ended
from domain.errors import Failure, SerializationError, WeftError, failure_of
from domain.ids import ActivationPath, Position
from domain.ports.inbox import Wish
from domain.ports.journal import Append, Recorded
from domain.ports.queue import Claim
from domain.run import events
from domain.run.run import RunStatus
from domain.usage import UsageRow, UsageState

log = structlog.get_logger("application.engine")
PAGE: Final = 1_000
NAMED: Final = 5
"""Calls that the failure names; its rows name all."""
TELLER: Final = "the worker that made the call"
_ENDS: Final = (events.EffectUnknown, events.EffectResolved, events.NodeFinished, events.NodeFailed, events.AttemptFailed)
_KINDS: Final = frozenset({events.EffectIntended.kind, events.EffectFinished.kind, *(event.kind for event in _ENDS)})


@dataclass(frozen=True, slots=True)
class OpenCall:
    """Announced by the row at `at`; no row says what became of it."""

    intended: events.EffectIntended
    at: Position


async def refuse(tools: EngineTools, claim: Claim, error: WeftError) -> None:
    """Its last rows. What it called that may happen once only, and whose outcome no row tells, is said before: nobody asks again.

    Nothing of it was appended after `claim.position`.
    """
    lines = await _lost_calls(tools, claim)
    rows, taken = await _last_words(tools, claim, error)
    failure, now = _told(error, rows), tools.clock.now()
    rows = [*rows, events.RunEnded(RunStatus.FAILED.value, None, failure)]
    run, last = claim.run, Position(claim.position + len(rows))
    run = replace(run, status=RunStatus.FAILED, output=None, failure=failure, ended_at=now, waiting_for=(), last=last)
    for line in lines:
        run = replace(run, usage=run.usage.plus(line.usage, line.state))
    unit = Append(claim.lease, claim.position, rows, run, lines, taken=taken, release_at=now.timestamp())
    await tools.take_along(run)
    tools.feed.publish(await tools.journal.append(unit))
    await tools.take_along(run)
    tools.meter.run_ended(run, 0.0)
    run_ended(tools.traces, run)
    log.error("run refused", run=run.id, thread=run.thread, workflow=run.workflow, code=failure.code, reason=failure.message)


async def _lost_calls(tools: EngineTools, claim: Claim) -> list[UsageRow]:
    """Lines of calls of the workers before, which are charged what was reserved."""
    run, epoch = claim.run, claim.lease.epoch
    reserved = await tools.ledger.reserved(run.tenant, run.id, epoch) if epoch > 1 else ()
    return [replace(row, state=UsageState.UNKNOWN) for row in reserved]


async def _last_words(tools: EngineTools, claim: Claim, error: WeftError) -> tuple[list[events.Event], list[int]]:
    """What became of each open call, and the inbox rows that told it. Rows of a newer Weft cannot be searched; the log says so."""
    try:
        calls = await open_calls(tools, claim)
    except SerializationError as unread:
        log.error("calls of a refused run are not known", run=claim.run.id, thread=claim.run.thread, reason=unread.message)
        return [], []
    if not calls:
        return [], []
    wishes = await tools.inbox.waiting([claim.lease.thread])
    told = {(wish.body.get("activation"), wish.body.get("intended_at")): wish for wish in wishes if _tells(wish, claim)}
    rows: list[events.Event] = []
    taken: list[int] = []
    for call in calls:
        wish = told.get((call.intended.activation, call.at))
        rows.append(_unknown(call, error, tools.clock.now().timestamp()) if wish is None else _resolved(call, wish))
        taken.extend(() if wish is None else (wish.number,))
    return rows, taken


def _tells(wish: Wish, claim: Claim) -> bool:
    return wish.kind == "outcome" and wish.run == claim.run.id


def _unknown(call: OpenCall, error: WeftError, now: float) -> events.EffectUnknown:
    reason = f"the run was ended ({error.code}) before its answer was kept"
    return events.EffectUnknown(call.intended.activation, call.intended.effect, reason, now)


def _resolved(call: OpenCall, wish: Wish) -> events.EffectResolved:
    decision, reason, code = (str(wish.body.get(name, "")) for name in ("decision", "reason", "code"))
    intended = call.intended
    return events.EffectResolved(intended.activation, intended.effect, decision, TELLER, wish.body.get("output"), reason, code)


def _told(error: WeftError, rows: Sequence[events.Event]) -> Failure:
    """The failure names the calls, for whoever reads nothing but it."""
    failure = failure_of(error)
    lost = [row.activation for row in rows if isinstance(row, events.EffectUnknown)]
    if not lost:
        return failure
    names = ", ".join(lost[:NAMED]) + (f" and {len(lost) - NAMED} more" if len(lost) > NAMED else "")
    return replace(failure, message=f"{failure.message}. Nobody knows whether the call at {names} happened: look where it was made")


async def open_calls(tools: EngineTools, claim: Claim) -> Sequence[OpenCall]:
    """Read from the rows alone, without what the run is made of: that may be what is wrong with it."""
    found: dict[ActivationPath, OpenCall] = {}
    async for row in _rows(tools, claim):
        event = tools.journal.decode(row)
        if isinstance(event, events.EffectIntended):
            found[event.activation] = OpenCall(event, row.position)
        elif isinstance(event, _ENDS) or (isinstance(event, events.EffectFinished) and _is_of(event, found)):
            found.pop(event.activation, None)
    return list(found.values())


def _is_of(event: events.EffectFinished, found: Mapping[ActivationPath, OpenCall]) -> bool:
    call = found.get(event.activation)
    return call is not None and call.intended.effect == event.effect


async def _rows(tools: EngineTools, claim: Claim) -> AsyncIterator[Recorded]:
    """Those of this run that tell of calls, up to where it was claimed."""
    run, after = claim.run, claim.run.first
    while after < claim.position:
        rows = await tools.journal.read(run.tenant, run.thread, after, PAGE, run.id)
        for row in rows:
            if row.kind in _KINDS:
                yield row
        if len(rows) < PAGE:
            return
        after = rows[-1].position
