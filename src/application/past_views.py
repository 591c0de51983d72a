"""What readers get of a thread's past."""

from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic import JsonValue

from application.past import Moment
from application.views import View, json_object, json_value
from domain.change import Change, Operation
from domain.ids import Position, ThreadId
from domain.ports.journal import Recorded
from domain.run.events import Event
from domain.run.history import author_of, node_of, operation_of
from domain.run.state import Activation, RunState


class InFlightView(View):
    """A visit between the row that made it ready and the row that ends it. `status`: ready, retrying or parked."""

    path: str
    node: str
    status: str
    attempt: int
    waiting_for: str | None
    until: datetime | None

    @classmethod
    def of(cls, activation: Activation) -> "InFlightView":
        until = activation.parked_until if activation.is_parked else activation.retry_at
        status = "parked" if activation.is_parked else "ready" if activation.retry_at is None else "retrying"
        return cls(
            path=activation.path,
            node=activation.node,
            status=status,
            attempt=activation.attempt,
            waiting_for=activation.parked_for if activation.is_parked else None,
            until=None if until is None else datetime.fromtimestamp(until, UTC),
        )


class RunThenView(View):
    """A run at a position. `status`: running, parked (everything in flight waits), paused, or ending (what it did is being undone)."""

    id: str
    workflow_hash: str
    status: str
    steps: int
    activations: list[InFlightView]

    @classmethod
    def of(cls, run: RunState) -> "RunThenView":
        active = run.activations()
        return cls(
            id=run.run,
            workflow_hash=run.started.workflow,
            status=_status(run, active),
            steps=run.steps,
            activations=[InFlightView.of(activation) for activation in active],
        )


def _status(run: RunState, active: list[Activation]) -> str:
    if run.root.is_undoing:
        return "ending"
    if run.is_held:
        return "paused"
    return "parked" if active and all(activation.is_parked for activation in active) else "running"


class StateView(View):
    """What a thread holds after the row at `position`. `end`: where its journal ends now. `run`: the one under way there."""

    thread_id: str
    position: int
    end: int
    values: dict[str, JsonValue]
    run: RunThenView | None

    @classmethod
    def of(cls, moment: Moment) -> "StateView":
        run = None if moment.run is None else RunThenView.of(moment.run)
        return cls(thread_id=moment.thread, position=moment.position, end=moment.end, values=json_object(moment.values), run=run)


class ChangeView(View):
    """`field_path`: a JSON pointer whose first step is the channel. A `create` has no old value, a `delete` no new one."""

    operation: Operation
    field_path: str
    old_value: JsonValue
    new_value: JsonValue

    @classmethod
    def of(cls, change: Change) -> "ChangeView":
        return cls(operation=change.operation, field_path=change.path, old_value=json_value(change.old), new_value=json_value(change.new))

    @classmethod
    def all_of(cls, changes: Iterable[Change]) -> "list[ChangeView]":
        return [cls.of(change) for change in changes]


class StateHistoryEntryView(View):
    """One row that changed what the thread holds. `state_id`: the thread. `user_id`: who edited; null for what a run did."""

    id: str
    state_id: str
    position: int
    operation: Operation
    timestamp: datetime
    user_id: str | None
    run: str | None
    node: str | None
    changes: list[ChangeView]

    @classmethod
    def of(cls, thread: ThreadId, row: Recorded, event: Event, changes: tuple[Change, ...]) -> "StateHistoryEntryView":
        return cls(
            id=f"{row.thread}:{row.position}",
            state_id=thread,
            position=row.position,
            operation=operation_of(event, changes),
            timestamp=row.at,
            user_id=author_of(event),
            run=row.run or None,
            node=node_of(event),
            changes=ChangeView.all_of(changes),
        )


class DifferenceView(View):
    """The changes that lead from what the thread held at one position to what it held at another, in an order in which they apply."""

    thread_id: str
    from_position: int
    to_position: int
    changes: list[ChangeView]

    @classmethod
    def of(cls, thread: ThreadId, start: Position, end: Position, changes: Iterable[Change]) -> "DifferenceView":
        return cls(thread_id=thread, from_position=start, to_position=end, changes=ChangeView.all_of(changes))
