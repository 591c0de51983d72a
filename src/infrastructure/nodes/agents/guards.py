"""What ends a conversation that goes round in circles."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from domain.errors import LimitReached, NodeExecutionError
from infrastructure.nodes.agents.turns import Call, Verdict

TOOL_LOOP: Final = "tool_loop"
HANDOFF_LOOP: Final = "handoff_loop"


class Ended(NodeExecutionError):
    """The conversation came to nothing: another attempt begins another one."""

    anew = True


class OutOf(LimitReached):
    """Turns, or money; another attempt begins anew."""

    anew = True


@dataclass(slots=True)
class Repeats:
    """The same call, turn after turn. The one that reaches `limit` is not made and the model is told; one more ends the node."""

    limit: int
    _in_a_row: dict[str, int] = field(default_factory=dict)

    def look_at(self, calls: Sequence[Call]) -> dict[str, str]:
        """What to tell the model instead of making a call, by its id. A call that is not made again is forgotten."""
        before, self._in_a_row = self._in_a_row, {}
        told = {}
        for call in calls:
            if call.verdict is Verdict.HANDOFF:
                continue
            times = self._in_a_row.get(call.asked, before.get(call.asked, 0)) + 1
            self._in_a_row[call.asked] = times
            if times > self.limit:
                raise Ended(f"it called {call.name} with the same arguments {times} times in a row", TOOL_LOOP)
            if times == self.limit:
                told[call.id] = f"not called: this is call {times} in a row with the same arguments. Do something else, or answer now."
        return told


@dataclass(slots=True)
class Handoffs:
    """All of a node: at most `most`, and at most `ping_pong` in a row between the same two when neither calls a tool meanwhile."""

    most: int
    ping_pong: int
    made: list[tuple[str, str]] = field(default_factory=list)
    _in_a_row: int = 0

    def work_was_done(self) -> None:
        self._in_a_row = 0

    def hand_over(self, giver: str, taker: str) -> None:
        goes_on = bool(self.made) and set(self.made[-1]) == {giver, taker}
        self._in_a_row = self._in_a_row + 1 if goes_on else 1
        self.made.append((giver, taker))
        if self._in_a_row > self.ping_pong:
            message = f"{giver} and {taker} handed over to each other {self._in_a_row} times in a row, and nothing was done meanwhile"
            raise Ended(f"{message}; `ping_pong_limit` is {self.ping_pong}", HANDOFF_LOOP)
        if len(self.made) > self.most:
            raise Ended(f"the agents handed over more than {self.most} times (`max_handoffs`)", HANDOFF_LOOP)
