"""Changing what a thread holds, from outside: by edits, and by going back to what it held before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from application.channels import Channels, FindChannels, misfits
from application.edit_orders import EditOrder, EditView, RestoreOrder
from application.names import id_or
from application.once import digest_of
from application.outside import WriteFromOutside
from application.past import Moment, Past
from application.views import json_object
from domain.access import Principal, Role
from domain.change import Change, Operation, applied, difference
from domain.editing import resolved
from domain.errors import PositionMoved, Problem, ThreadNotFound, ValidationError
from domain.ids import Position, ThreadId
from domain.json import Json
from domain.ports.schemas import Schemas
from domain.run.events import StateEdited, StateRestored
from domain.sizes import state_too_large, too_large

_REFUSED: Final = "what the thread would hold does not fit its workflow: see `problems`; nothing was changed"


@dataclass(frozen=True, slots=True)
class EditThread:
    """Each edit is a row of the thread's journal, with who, why, and every place that changed. Refused (`ThreadBusy`) while a worker has
    the thread."""

    write: WriteFromOutside
    channels: FindChannels
    schemas: Schemas

    async def __call__(self, who: Principal, thread: str, order: EditOrder, key: str | None = None) -> EditView:
        """`ValidationError` points at what a channel does not take, `PositionMoved` says where the thread ends by now."""
        who.must_be(Role.OPERATOR)
        found = ThreadId(id_or(ThreadNotFound, thread))
        request = await self.write.request(who, found, key, digest_of(f"edit {found}", order.model_dump(mode="json")))

        async def decide(moment: Moment, key: str) -> StateEdited | None:
            changes = self.checked(moment, order, await self.channels(who.tenant, moment))
            return StateEdited(changes, who.name, order.reason, key) if changes else None

        written = await self.write(who, found, request, decide)
        return EditView.of(found, written.position, written.event.changes if written.event else ())

    def checked(self, moment: Moment, order: EditOrder, channels: Channels | None) -> tuple[Change, ...]:
        """What an order changes at that moment, with the old values."""
        check_position(moment, order.expected_position)
        changes = _wanted(moment, order)
        after = applied(moment.values, changes)
        fitting = misfits(self.schemas, channels, moment.values.keys(), after, _touched(changes), is_under_way=moment.run is not None)
        problems = [*_oversized(after, changes), *fitting]
        if problems:
            raise ValidationError(_REFUSED, [Problem(_pointer(order, changes, one.pointer), one.code, one.message) for one in problems])
        return changes


@dataclass(frozen=True, slots=True)
class RestoreThread:
    """Goes back by going forward: a row says what changes, and nothing is taken away. Restoring to the position before it undoes it."""

    write: WriteFromOutside
    past: Past
    channels: FindChannels
    schemas: Schemas

    async def __call__(self, who: Principal, thread: str, order: RestoreOrder, key: str | None = None) -> EditView:
        """`PositionNotFound` beyond the end, `PositionGone` for what retention removed."""
        who.must_be(Role.OPERATOR)
        found = ThreadId(id_or(ThreadNotFound, thread))
        then = await self.past.at(who.tenant, found, Position(order.at))
        digest = digest_of(f"restore {found}", order.model_dump(mode="json"))
        return await self.to(who, found, then.position, then.values, order.expected_position, order.reason, key=key, digest=digest)

    async def to(
        self,
        who: Principal,
        thread: ThreadId,
        at: Position,
        values: Mapping[str, Json],
        expected: int | None,
        reason: str,
        *,
        key: str | None,
        digest: str,
        snapshot: str = "",
    ) -> EditView:
        """`values`: what the thread held at `at`."""
        request = await self.write.request(who, thread, key, digest)

        async def decide(moment: Moment, key: str) -> StateRestored:
            check_position(moment, expected)
            changes = difference(moment.values, values)
            if moment.run is not None:
                await self._check(who, moment, values, changes)
            return StateRestored(at, changes, who.name, reason, snapshot, key)

        written = await self.write(who, thread, request, decide)
        return EditView.of(thread, written.position, written.event.changes if written.event else ())

    async def _check(self, who: Principal, moment: Moment, values: Mapping[str, Json], changes: Sequence[Change]) -> None:
        """The run that is parked there goes on with what it finds. The next one looks for itself."""
        channels = await self.channels(who.tenant, moment)
        known = moment.values.keys() | values.keys()
        problems = list(misfits(self.schemas, channels, known, values, _touched(changes), is_under_way=True))
        if problems:
            raise ValidationError(_REFUSED, [Problem("/at", one.code, f"{one.pointer}: {one.message}") for one in problems])


def check_position(moment: Moment, expected: int | None) -> None:
    if expected is not None and expected != moment.position:
        raise PositionMoved(
            f"thread {moment.thread} ends at position {moment.position}, not at {expected}: look at what came since, and ask again"
        )


def _wanted(moment: Moment, order: EditOrder) -> tuple[Change, ...]:
    if order.changes is not None:
        return resolved(moment.values, [change.change() for change in order.changes])
    wanted = json_object(order.values or {})
    return difference({name: moment.values[name] for name in wanted if name in moment.values}, wanted)


def _oversized(after: Mapping[str, Json], changes: Sequence[Change]) -> list[Problem]:
    """Values that are too large, and a state; pointers from the state's root. What only takes away is never refused."""
    grown = [change for change in changes if change.operation is not Operation.DELETE]
    problems = too_large((change.path, change.new) for change in grown)
    return problems or (state_too_large(after, grown[-1].path) if grown else [])


def _touched(changes: Sequence[Change]) -> list[str]:
    """Channels, each once, in the order of the changes."""
    return list(dict.fromkeys(change.channel for change in changes))


def _pointer(order: EditOrder, changes: Sequence[Change], path: str) -> str:
    """Where in the order stands what is wrong at a path of the state: in the last change that reached there."""
    if order.changes is None:
        return f"/values{path}"
    for number, change in reversed(list(enumerate(changes))):
        if _is_within(path, change.path) and change.operation is not Operation.DELETE:
            return f"/changes/{number}/value{path[len(change.path) :]}"
    channel = "/" + path.split("/", 2)[1]
    last = max(number for number, change in enumerate(changes) if _is_within(change.path, channel))
    return f"/changes/{last}/path"


def _is_within(path: str, outer: str) -> bool:
    return path == outer or path.startswith(f"{outer}/")
