"""Domain objects as rows of the tables, and back. Which columns a tuple holds, and in which order, is said beside each pair."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from domain.acting import Acting
from domain.errors import Failure
from domain.graph.definition import Graph
from domain.graph.flow import Priority
from domain.ids import ContentHash, Position, RunId, SessionId, TenantId, ThreadId
from domain.json import JsonObject
from domain.ports.journal import Recorded
from domain.run.run import Continued, Durability, Mode, Run, RunStatus, Waiting
from domain.run.terms import OnBusy
from domain.snapshot import CheckpointType, SnapshotPolicy
from domain.usage import UsageTotal
from domain.workflow import WorkflowMetadata, WorkflowVersion
from infrastructure.store.codec import Decoded, encode, failure_of, limits_of, money_of, plain
from infrastructure.store.large import Values, apart

Row: TypeAlias = Sequence[Any]
"""Values as a driver gives them, in the order of the named columns."""

RUN_COLUMNS = "id, tenant, thread, workflow, workflow_hash, status, created_at, started_at, ended_at, asked, outcome"
JOURNAL_COLUMNS = "thread, position, run, kind, body, at"
METADATA_COLUMNS = "hash, name, version, description, created_at, updated_at, tags"
WORKFLOW_COLUMNS = f"tenant, {METADATA_COLUMNS}, document"


def seconds(at: datetime) -> float:
    return at.timestamp()


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def run_row(run: Run, values: Values | None = None) -> Row:
    """With `values` what its input has of large ones goes there, and not into the row."""
    asked = _asked(run)
    return (
        run.id,
        run.tenant,
        run.thread,
        run.workflow,
        run.workflow_hash,
        run.status.value,
        seconds(run.created_at),
        run.started_at and seconds(run.started_at),
        run.ended_at and seconds(run.ended_at),
        asked if values is None else apart(asked, values),
        outcome(run),
    )


def _asked(run: Run) -> bytes:
    """What does not change while a run runs."""
    told = {
        "input": run.input,
        "mode": run.mode.value,
        "durability": run.durability.value,
        "limits": run.limits,
        "metadata": run.metadata,
        **_placed(run),
    }
    return encode(told)


def _placed(run: Run) -> dict[str, object]:
    """Where it was put in the line, when that is not where all runs are put."""
    told: dict[str, object] = {} if run.priority is Priority.NORMAL else {"priority": run.priority.value}
    if run.concurrency_key is not None:
        told["concurrency_key"] = run.concurrency_key
    if run.due_at is not None:
        told["due_at"] = seconds(run.due_at)
    if run.snapshots is not None:
        told["snapshots"] = run.snapshots
    told |= {name: stops for name in ("pause_before", "pause_after") if (stops := getattr(run, name))}
    if run.acting is not None:
        told["acting"] = run.acting
    if run.on_busy is not OnBusy.ENQUEUE:
        told["on_busy"] = run.on_busy.value
    if run.continues is not None:
        told["continues"] = run.continues
    if run.trace:
        told["trace"] = run.trace
    return told


def outcome(run: Run) -> bytes:
    """What changes while a run runs, but for its status and times."""
    return encode(
        {
            "output": run.output,
            "failure": run.failure,
            "waiting_for": run.waiting_for,
            "ending": run.ending,
            "parked_at": run.parked_at and seconds(run.parked_at),
            "paused": run.paused,
            "usage": run.usage,
            "steps": run.steps,
            "first": run.first,
            "last": run.last,
        }
    )


def run_of(row: Row) -> Run:
    run, tenant, thread, workflow, workflow_hash, status, created_at, started_at, ended_at, asked_body, outcome_body = row
    asked, came = plain(asked_body), plain(outcome_body)
    return Run(
        id=RunId(run),
        tenant=TenantId(tenant),
        thread=ThreadId(thread),
        workflow=workflow,
        workflow_hash=ContentHash(workflow_hash),
        status=RunStatus(status),
        created_at=moment(created_at),
        started_at=None if started_at is None else moment(started_at),
        ended_at=None if ended_at is None else moment(ended_at),
        input=asked["input"],
        mode=Mode(asked["mode"]),
        durability=Durability(asked["durability"]),
        limits=limits_of(asked["limits"]),
        metadata=asked["metadata"],
        priority=Priority(asked.get("priority", Priority.NORMAL)),
        concurrency_key=asked.get("concurrency_key"),
        due_at=None if asked.get("due_at") is None else moment(asked["due_at"]),
        snapshots=None if asked.get("snapshots") is None else _policy_of(asked["snapshots"]),
        on_busy=OnBusy(asked.get("on_busy", OnBusy.ENQUEUE)),
        continues=None if asked.get("continues") is None else Continued(**asked["continues"]),
        trace=asked.get("trace", ""),
        acting=None if asked.get("acting") is None else _acting_of(asked["acting"]),
        pause_before=tuple(asked.get("pause_before", ())),
        pause_after=tuple(asked.get("pause_after", ())),
        output=came["output"],
        failure=_failure_of(came["failure"]),
        waiting_for=tuple(_waiting_of(waiting) for waiting in came["waiting_for"]),
        parked_at=None if came.get("parked_at") is None else moment(came["parked_at"]),
        paused=came.get("paused", False),
        usage=_total_of(came["usage"]),
        ending=None if came.get("ending") is None else RunStatus(came["ending"]),
        steps=came["steps"],
        first=Position(came["first"]),
        last=Position(came["last"]),
    )


def _policy_of(members: Decoded) -> SnapshotPolicy:
    triggers = tuple(CheckpointType(trigger) for trigger in members["triggers"])
    return SnapshotPolicy(members["automatic_every"], triggers, members["seconds"])


def _acting_of(members: Decoded) -> Acting:
    permissions = members["permissions"]
    return Acting(SessionId(members["session"]), members["user_id"], None if permissions is None else tuple(permissions))


def _waiting_of(members: Decoded) -> Waiting:
    return Waiting(**{**members, "signals": tuple(members.get("signals", ()))})


def _failure_of(members: Decoded | None) -> Failure | None:
    return None if members is None else failure_of(members)


def _total_of(members: Decoded) -> UsageTotal:
    cost = money_of(members.pop("cost"))
    others = tuple(map(money_of, members.pop("others", ())))
    return UsageTotal(**members, cost=cost, others=others)


def recorded_of(row: Row) -> Recorded:
    thread, position, run, kind, body, at = row
    return Recorded(ThreadId(thread), Position(position), RunId(run), kind, body, moment(at))


def workflow_row(version: WorkflowVersion) -> Row:
    about = version.metadata
    return (
        version.tenant,
        about.id,
        about.name,
        about.version,
        about.description,
        seconds(about.created_at),
        seconds(about.updated_at),
        encode(about.tags),
        encode(version.document),
    )


def metadata_of(row: Row) -> WorkflowMetadata:
    content, name, version, description, created_at, updated_at, tags = row
    return WorkflowMetadata(ContentHash(content), name, version, description, moment(created_at), moment(updated_at), tuple(plain(tags)))


def workflow_of(row: Row, parse: Callable[[JsonObject], Graph]) -> WorkflowVersion:
    tenant, *about, document = row
    written = plain(document)
    return WorkflowVersion(TenantId(tenant), metadata_of(about), written, parse(written))
