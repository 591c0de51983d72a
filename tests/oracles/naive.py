"""A second, deliberately naive implementation of "When a node runs" (section 3 of the engine's contract).

It shares nothing with the engine but the document and the driving regime:
deliver, test the ends of rounds, then look for starved joins and plan until nothing changes.

Where the page leaves room, decided by its words:
- In flight is an active node, or a pending one; a token at a count or from join that lacks others is not in flight.
- A node at its limit of concurrency that still holds tokens is pending, so it is in flight.
- A count or from join that has its tokens starts at once: it waits for nothing but its own activation.
- A from join fires whenever each named source has a token there, also twice in one round; "the next round" keeps only what is left over.
- A from join takes the oldest token of each source; a starved one that runs takes the oldest of each source that came.
- A starved count join that runs takes all it holds; a starved join that drops loses all it holds, kept tokens too.
- Starved joins with no other starved one in their `waits` go first, all of them; should they wait on each other, the one discovered first.
- A join can starve while an earlier activation of it is active; one that then runs is pending until that activation ends.
- Only count joins are "spent": an active from join keeps rounds open and lets paths through.
- The ends of rounds are tested for all nodes on one snapshot, once per delivery, and once per firing that withdrew something.
- A round may end while the join itself is active. A withdrawn count join stays spent until its round ends.
- cancel_rest uses `waits` as it is when the join fires, other spent joins cutting paths; it takes kept tokens as well.
- A body token does not wait for a pending head if one token at the node came from a member of the loop, the head included.
- The rule for knots looks at what is pending, whatever its join; what starts takes all the tokens of an `all` join.
- An error edge taken does not make a node one where the frame ended well; finishing it without targets does.
- terminate ends the frame when it finishes; what it cancels is not in `withdrawn`, and neither is what a failure cancels.
- Sources of consumed tokens are listed once per token, so a source that sent two is there twice.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from tests.oracles.shape import END, START, Shape, read_join


@dataclass(frozen=True)
class Step:
    """What one delivery led to; after `done` the frame takes nothing more."""

    started: tuple[tuple[str, int, tuple[str, ...]], ...]  # node, visit from 1 in this frame, sorted sources of the tokens; in order
    withdrawn: tuple[tuple[str, int], ...]  # activations cancelled by cancel_rest
    failed: str | None  # None, "join_starved" or "dead_end"
    done: bool


@dataclass
class Token:
    source: str
    kept: bool = False  # left over from a round in which its join fired


class NaiveFrame:
    """One frame of a graph document. Callers report what finished and where it went; each answer says what started."""

    def __init__(self, document: Mapping[str, object]) -> None:
        nodes = cast(Mapping[str, Mapping[str, object]], document["nodes"])
        self.shape = Shape(document)
        self.joins = {name: read_join(node, len(self.shape.sources[name])) for name, node in nodes.items()}
        self.terminators = {name for name, node in nodes.items() if node["kind"] == "terminate"}
        self.tokens: dict[str, list[Token]] = {name: [] for name in nodes}
        self.active: set[tuple[str, int]] = set()
        self.visits: Counter[str] = Counter()
        self.spent: set[str] = set()  # count joins that fired in their present round
        self.fired: set[str] = set()  # from joins that fired in theirs
        self.due: set[str] = set()  # starved joins that shall run with what they have
        self.ended_well = False
        self.over = False
        self._started: list[tuple[str, int, tuple[str, ...]]] = []
        self._withdrawn: list[tuple[str, int]] = []

    def begin(self, targets: Sequence[str]) -> Step:
        """The edges of `start` were evaluated."""
        return self._deliver(START, targets)

    def finish(self, node: str, visit: int, targets: Sequence[str]) -> Step:
        """That activation finished, or failed and took an error edge. Raises KeyError when it is not active."""
        self.active.remove((node, visit))
        if node in self.terminators:
            self._started, self._withdrawn = [], []
            return self._end(None)
        self.ended_well |= not targets and self.shape.ends_a_branch(node)
        return self._deliver(node, targets)

    def _deliver(self, source: str, targets: Sequence[str]) -> Step:
        self._started, self._withdrawn = [], []
        self.ended_well |= END in targets
        for target in dict.fromkeys(targets):
            if target != END and target not in self.spent:
                self.tokens[target].append(Token(source))
        self._end_idle_rounds()
        return self._settle()

    def _settle(self) -> Step:
        while self._feed_the_starved():
            planned = self._plan()
            for node in planned:
                if self._pending(node):
                    self._start(node)
            if not planned:
                break
        else:
            return self._end("join_starved")
        if self.active:
            return Step(tuple(self._started), tuple(self._withdrawn), None, False)
        return self._end(None if self.ended_well else "dead_end")

    def _end(self, failed: str | None) -> Step:
        self.over = True
        self.active.clear()
        self.tokens = {name: [] for name in self.tokens}
        return Step(tuple(self._started), tuple(self._withdrawn), failed, True)

    # What may start

    def _pending(self, node: str) -> bool:
        held, join = self.tokens[node], self.joins[node]
        match join.rule:
            case "count":
                return len(held) >= join.count or node in self.due
            case "from":
                return set(join.named) <= {token.source for token in held} or node in self.due
        return bool(held)

    def _active_nodes(self) -> set[str]:
        return {node for node, _ in self.active}

    def _pending_nodes(self) -> set[str]:
        return {node for node in self.shape.nodes if self._pending(node)}

    def _plan(self) -> list[str]:
        """Nodes to start, in document order, once for every activation that fits; else the first of a knot."""
        pending = self._pending_nodes()
        planned = [node for node in self.shape.nodes if node in pending for _ in range(self._room(node, pending))]
        if planned or self.active or not pending:
            return planned
        return [min(pending, key=self.shape.preorder.index)]

    def _room(self, node: str, pending: set[str]) -> int:
        """How many activations of a pending node may start now."""
        busy = sum(1 for active, _ in self.active if active == node)
        match self.joins[node].rule:
            case "each":
                return max(0, min(len(self.tokens[node]), self.joins[node].concurrency - busy))
            case "all":
                return int(not busy and self._all_is_here(node, pending))
        return int(not busy)

    def _all_is_here(self, node: str, pending: set[str]) -> bool:
        waits = self.shape.waits(node, self.spent)
        return not waits & self._active_nodes() and all(self._need_not_wait(node, other) for other in waits & pending)

    def _need_not_wait(self, node: str, other: str) -> bool:
        """The exceptions of rule (b), for an `other` that is pending and in `waits(node)`."""
        around, own = self.shape.loops.get(other, set()), self.shape.loops.get(node, set())
        body_before_head = node in around and any(token.source in around for token in self.tokens[node])
        entered_from_the_side = other in own and all(token.source not in own for token in self.tokens[other])
        return body_before_head or entered_from_the_side

    # Starting

    def _start(self, node: str) -> None:
        sources = tuple(sorted(token.source for token in self._take(node)))
        self.visits[node] += 1
        self.active.add((node, self.visits[node]))
        self._started.append((node, self.visits[node], sources))
        self.due.discard(node)
        if self.joins[node].rule == "count":
            self.spent.add(node)
        if self.joins[node].rule == "from":
            self.fired.add(node)
        for member in self.shape.loops.get(node, set()) - {node}:
            self._end_round(member)
        if self.joins[node].cancel_rest:
            self._withdraw(self.shape.waits(node, self.spent))

    def _take(self, node: str) -> list[Token]:
        held, join = self.tokens[node], self.joins[node]
        match join.rule:
            case "each":
                taken = held[:1]
            case "from":
                oldest = {token.source: token for token in reversed(held)}
                taken = [oldest[source] for source in join.named if source in oldest]
            case _:
                taken = held
        self.tokens[node] = [token for token in held if not any(token is other for other in taken)]
        return taken

    def _withdraw(self, nodes: set[str]) -> None:
        cancelled = sorted(activation for activation in self.active if activation[0] in nodes)
        if not cancelled and not any(self.tokens[node] for node in nodes):
            return
        self.active -= set(cancelled)
        self._withdrawn += cancelled
        self.due -= nodes
        for node in nodes:
            self.tokens[node] = []
        self._end_idle_rounds()

    # Rounds

    def _end_round(self, node: str) -> None:
        self.spent.discard(node)
        if node in self.fired:
            self.fired.discard(node)
            for token in self.tokens[node]:
                token.kept = True

    def _end_idle_rounds(self) -> None:
        in_flight = (self._active_nodes() - self.spent) | (self._pending_nodes() - self.spent)
        for node in [node for node in self.spent | self.fired if not self.shape.waits(node, self.spent) & in_flight]:
            self._end_round(node)

    def _starved(self) -> set[str]:
        in_flight = self._active_nodes() | self._pending_nodes()
        hungry = {node for node in self.joins if self._lacks_tokens(node)}
        return {node for node in hungry if not self.shape.waits(node, self.spent) & in_flight}

    def _lacks_tokens(self, node: str) -> bool:
        waiting = self.joins[node].rule in {"count", "from"} and not self._pending(node) and node not in self.spent | self.fired
        return waiting and any(not token.kept for token in self.tokens[node])

    def _feed_the_starved(self) -> bool:
        """Let starved joins run or drop, the first of them first; False when one fails the frame."""
        while starved := self._starved():
            free = {node for node in starved if not self.shape.waits(node, self.spent) & starved}
            for node in free or {min(starved, key=self.shape.preorder.index)}:
                match self.joins[node].on_starved:
                    case "run":
                        self.due.add(node)
                    case "drop":
                        self.tokens[node] = []
                    case _:
                        return False
        return True
