"""What a single row did to what its thread holds, for those who ask who changed what."""

from collections.abc import Sequence

from domain.change import Change, Operation, Values, difference
from domain.ids import NodeId
from domain.run.events import Event, RunMigrated, StateEdited, StateRestored


def changes_of(event: Event, before: Values, after: Values) -> tuple[Change, ...]:
    """Field by field. `before` and `after`: what the thread held around the row. An edit says itself what it did."""
    if isinstance(event, StateEdited | StateRestored):
        return event.changes
    return difference(before, after)


def operation_of(event: Event, changes: Sequence[Change]) -> Operation:
    """Of a row as a whole: what all its changes are, or else an update; a restore is one whatever it took."""
    if isinstance(event, StateRestored):
        return Operation.RESTORE
    operations = {change.operation for change in changes}
    return operations.pop() if len(operations) == 1 else Operation.UPDATE


def author_of(event: Event) -> str | None:
    """Who edited or restored, or moved the run to another version; a run's own rows have nobody."""
    return event.by if isinstance(event, StateEdited | StateRestored | RunMigrated) else None


def node_of(event: Event) -> NodeId | None:
    """The node whose visit the row is about."""
    activation: str = getattr(event, "activation", "")
    return NodeId(activation.rpartition("/")[2].partition("#")[0]) or None
