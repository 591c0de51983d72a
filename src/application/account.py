"""What the calls of one claim use: their lines in the ledger, from what is reserved before a call to what it came to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from application.budgets.hearing import Hearing
from application.budgets.purse import Purse
from application.budgets.tills import Hold
from domain.acting import Acting
from domain.ids import ActivationPath
from domain.ports.journal import Lease
from domain.run.events import BudgetAlert
from domain.run.state import Activation
from domain.usage import LineKey, Usage, UsageRow, UsageState

Call: TypeAlias = tuple[Activation, int]
"""Which of an activation's calls; 0 is the only one of a node that makes one."""


@dataclass(slots=True, eq=False)
class RunAccount:
    """`lines` go with the next unit. Lines of one activation have numbers of their own: when a map is tried again, its items' attempts
    begin at 1 once more. `acting`: for whom the run acts. `now`: seconds since the epoch."""

    lease: Lease
    workflow: str
    acting: Acting | None
    now: Callable[[], float]
    purse: Purse | None = None
    lines: list[UsageRow] = field(default_factory=list)
    unkept: dict[LineKey, UsageRow] = field(default_factory=dict)
    """Those that are not known to be durable."""
    held: dict[Call, UsageRow] = field(default_factory=dict)
    """Reserved for calls that have not begun."""
    begun: dict[Call, UsageRow] = field(default_factory=dict)
    """Of calls of which nothing came yet."""
    granted: dict[Call, Hold] = field(default_factory=dict)
    """What calls hold of budgets that have no line yet: the line is never there before."""
    holds: dict[LineKey, Hold] = field(default_factory=dict)
    """What calls hold of budgets that have one."""
    hearing: Hearing = field(default_factory=Hearing)
    _came: dict[LineKey, Usage] = field(default_factory=dict)
    """What those came to in all, whose calls have several lines."""
    _numbers: dict[tuple[ActivationPath, int], int] = field(default_factory=dict)

    def grant(self, call: Call, hold: Hold) -> None:
        """What it holds of budgets, whether it is decided or not."""
        self._give_up(call)
        self.granted[call] = hold

    def reserve(self, call: Call, usage: Usage) -> None:
        """It may begin when this is durable."""
        self.held[call] = row = self._row(call, usage.as_one, UsageState.RESERVED, call[0].attempt)
        self._write(row)
        if call in self.granted:
            self.holds[row.key] = hold = self.granted.pop(call)
            self.hearing.begin(hold)

    def is_kept(self, call: Call) -> bool:
        """Is its line durable?"""
        row = self.held.get(call)
        return row is not None and row.key not in self.unkept

    def may_begin(self, call: Call) -> bool:
        """Is its line durable? Then the call counts as begun."""
        if not self.is_kept(call):
            return False
        self.begun[call] = self.held.pop(call)
        return True

    def count(self, call: Call, usage: Usage, attempt: int) -> Sequence[BudgetAlert]:
        """What a call used, under the number that was reserved for it, if one was; what calls of other models before it used, each under
        a number of its own. The marks of budgets that are passed with it."""
        alerts: Sequence[BudgetAlert] = ()
        used, *earlier = usage.calls
        reserved = self._taken(call)
        if reserved is None:
            self._write(self._row(call, used, UsageState.COUNTED, attempt))
        else:
            self._write(replace(reserved, usage=used, state=UsageState.COUNTED))
            if reserved.key in self.holds:
                self._came[reserved.key] = usage.as_one
                alerts = self.hearing.came(self.holds[reserved.key], usage.as_one, call[0].path)
        for other in earlier:
            self._write(self._row(call, other, UsageState.COUNTED, attempt))
        return alerts

    def let_off(self, call: Call) -> None:
        """It used nothing, or never began. Where none is reserved, that is nothing."""
        self._give_up(call)
        reserved = self._taken(call)
        if reserved is None:
            return
        if any(row is reserved for row in self.lines):
            self.lines = [row for row in self.lines if row is not reserved]
            del self.unkept[reserved.key]
            self._settle_hold(reserved.key, None)
        else:
            self._write(replace(reserved, state=UsageState.VOID))

    def lose(self, call: Call) -> UsageRow:
        """Nobody here will hear what became of one that has begun."""
        row = replace(self.begun.pop(call), state=UsageState.UNKNOWN)
        self._write(row)
        return row

    def close(self) -> Sequence[UsageRow]:
        """The run leaves this worker: what has not begun will not, and nobody waits for what was given up, which is charged as reserved."""
        for call in [*self.granted, *self.held]:
            self.let_off(call)
        return [self.lose(call) for call in list(self.begun)]

    def take_over(self, reserved: Sequence[UsageRow]) -> Sequence[UsageRow]:
        """Lines of the workers before, of which nobody will hear any more."""
        rows = [replace(row, state=UsageState.UNKNOWN) for row in reserved]
        for row in rows:
            self._write(row)
        return rows

    def take_lines(self) -> list[UsageRow]:
        """All that are to be written."""
        taken, self.lines = self.lines, []
        return taken

    def take_uncharged(self) -> list[UsageRow]:
        """Those alone that a call waits for, and those of calls that came to nothing."""
        taken = [row for row in self.lines if not row.state.is_charged]
        self.lines = [row for row in self.lines if row.state.is_charged]
        return taken

    def kept(self, rows: Sequence[UsageRow]) -> None:
        """They are durable; a newer line of the same call is not yet."""
        for row in rows:
            if self.unkept.get(row.key) is row:
                del self.unkept[row.key]
            if self.holds and row.state is not UsageState.RESERVED:
                self._settle_hold(row.key, self._came.pop(row.key, row.usage) if row.state.is_charged else None)

    def keep_holds(self) -> None:
        """Of calls whose lines nobody here settles any more: they stay charged as reserved. Those without a line have not begun."""
        for call in list(self.granted):
            self.let_off(call)
        for key in list(self.holds):
            hold = self.holds[key]
            self._settle_hold(key, hold.usage)

    def _settle_hold(self, key: LineKey, usage: Usage | None) -> None:
        """What was freed is another's at once: the ledger must know of it before."""
        hold = self.holds.pop(key, None)
        if hold is not None and self.purse is not None:
            self.purse.settle(hold, usage)

    def _give_up(self, call: Call) -> None:
        if call in self.granted and self.purse is not None:
            self.purse.settle(self.granted.pop(call), None)

    def _taken(self, call: Call) -> UsageRow | None:
        return self.begun.pop(call, None) or self.held.pop(call, None)

    def _write(self, row: UsageRow) -> None:
        self.lines.append(row)
        self.unkept[row.key] = row

    def _row(self, call: Call, usage: Usage, state: UsageState, attempt: int) -> UsageRow:
        path, effect = call[0].path, call[1]
        number = self._numbers[path, effect] = max(attempt, self._numbers.get((path, effect), 0) + 1)
        lease = self.lease
        about = (lease.tenant, lease.thread, lease.run, self.workflow, path, effect, number, lease.epoch)
        session, user = ("", "") if self.acting is None else (self.acting.session, self.acting.user_id)
        return UsageRow(*about, usage, state, session, user, self.now())
