"""Records of the history that nobody writes: they are lines of the ledger and runs, as a reader of the history sees them."""

from datetime import UTC, datetime

from domain.errors import HistoryError
from domain.history import HistoryRecord, RecordType
from domain.json import Json, JsonObject
from domain.run.run import Run
from domain.usage import Money, UsageRow, UsageState


def tokens_of(line: UsageRow) -> HistoryRecord:
    """`TokenUsage` of one call."""
    used = line.usage
    data: dict[str, Json] = {
        "model_name": used.model,
        "prompt_tokens": used.prompt_tokens,
        "completion_tokens": used.completion_tokens,
        "total_tokens": used.total_tokens,
        "cost": money(used.cost),
        "cached_tokens": used.cached_tokens,
        "reasoning_tokens": used.reasoning_tokens,
    }
    return _of_line(RecordType.TOKEN_USAGE, line, data)


def cost_of(line: UsageRow) -> HistoryRecord:
    """`CostRecord` of one call; `cost` is None when its price is unknown."""
    return _of_line(RecordType.COST_RECORD, line, {"model_name": line.usage.model, "cost": money(line.usage.cost)})


def execution_of(run: Run) -> HistoryRecord:
    """`WorkflowExecution` of a run that has ended. What went in and came out stands in the run itself. `HistoryError` before that."""
    if run.ended_at is None:
        raise HistoryError(f"the run {run.id} has not ended")
    began, failure, acting = run.started_at or run.ended_at, run.failure, run.acting
    data: dict[str, Json] = {
        "workflow": run.workflow,
        "status": run.status.value,
        "thread": run.thread,
        "created_at": run.created_at.isoformat(),
        "started_at": began.isoformat(),
        "seconds": round((run.ended_at - began).total_seconds(), 6),
        "steps": run.steps,
        "calls": run.usage.calls,
        "total_tokens": run.usage.total_tokens,
        "cost": money(run.usage.cost),
        "unpriced_calls": run.usage.unpriced,
    }
    if failure is not None:
        data |= {"error": failure.code, "node": failure.node}
    user, session = (None, None) if acting is None else (acting.user_id, acting.session)
    kind = RecordType.WORKFLOW_EXECUTION
    return HistoryRecord(f"{kind}:{run.id}", kind, run.ended_at, run.tenant, run.id, user, session, data=data)


def money(amount: Money | None) -> JsonObject | None:
    return None if amount is None else {"amount": format(amount.amount, "f"), "currency": amount.currency}


def _of_line(kind: RecordType, line: UsageRow, data: JsonObject) -> HistoryRecord:
    """`unknown`: nobody heard what became of the call, and it is charged what was reserved."""
    where: dict[str, Json] = {"workflow": line.workflow, "node": line.node, "activation": line.activation}
    where |= {"effect": line.effect, "attempt": line.attempt, "estimated": line.usage.estimated}
    told = {**data, **where, "unknown": line.state is UsageState.UNKNOWN}
    call = f"{line.run}{line.activation}/{line.effect}.{line.attempt}.{line.epoch}"
    at = datetime.fromtimestamp(line.at, UTC)
    people = (line.user or None, line.session or None)
    return HistoryRecord(f"{kind}:{call}", kind, at, line.tenant, line.run or None, *people, line.usage.model, told)
