"""What the calls of one claim use: their lines in the ledger, from what is reserved before a call to what it came to."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from domain.ids import ActivationPath
from domain.ports.journal import Lease
from domain.run.state import Activation
from domain.usage import LineKey, Usage, UsageRow, UsageState


@dataclass(slots=True, eq=False)
class Account:
    """`lines` go with the next unit. Lines of one activation have numbers of their own: when a map is tried again, its items' attempts
    begin at 1 once more."""

    lease: Lease
    workflow: str
    lines: list[UsageRow] = field(default_factory=list)
    unkept: dict[LineKey, UsageRow] = field(default_factory=dict)
    """Those that are not known to be durable."""
    held: dict[Activation, UsageRow] = field(default_factory=dict)
    """Reserved for calls that have not begun."""
    begun: dict[Activation, UsageRow] = field(default_factory=dict)
    """Of calls of which nothing came yet."""
    _numbers: dict[ActivationPath, int] = field(default_factory=dict)

    def reserve(self, activation: Activation, usage: Usage) -> None:
        """The call may begin when this is durable."""
        self.held[activation] = row = self._row(activation, usage, UsageState.RESERVED, activation.attempt)
        self._write(row)

    def may_begin(self, activation: Activation) -> bool:
        """Is its line durable? Then the call counts as begun."""
        row = self.held.get(activation)
        if row is None or row.key in self.unkept:
            return False
        self.begun[activation] = self.held.pop(activation)
        return True

    def count(self, activation: Activation, usage: Usage, attempt: int) -> None:
        """What a call used, under the number that was reserved for it, if one was."""
        reserved = self._taken(activation)
        if reserved is None:
            self._write(self._row(activation, usage, UsageState.COUNTED, attempt))
        else:
            self._write(replace(reserved, usage=usage, state=UsageState.COUNTED))

    def let_off(self, activation: Activation) -> None:
        """Its call used nothing, or never began. Where none is reserved, that is nothing."""
        reserved = self._taken(activation)
        if reserved is None:
            return
        if any(row is reserved for row in self.lines):
            self.lines = [row for row in self.lines if row is not reserved]
            del self.unkept[reserved.key]
        else:
            self._write(replace(reserved, state=UsageState.VOID))

    def lose(self, activation: Activation) -> UsageRow:
        """Nobody here will hear what became of a call that has begun."""
        row = replace(self.begun.pop(activation), state=UsageState.UNKNOWN)
        self._write(row)
        return row

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

    def _taken(self, activation: Activation) -> UsageRow | None:
        return self.begun.pop(activation, None) or self.held.pop(activation, None)

    def _write(self, row: UsageRow) -> None:
        self.lines.append(row)
        self.unkept[row.key] = row

    def _row(self, activation: Activation, usage: Usage, state: UsageState, attempt: int) -> UsageRow:
        number = self._numbers[activation.path] = max(attempt, self._numbers.get(activation.path, 0) + 1)
        lease = self.lease
        about = (lease.tenant, lease.thread, lease.run, self.workflow, activation.path, 0, number, lease.epoch)
        return UsageRow(*about, usage, state)
