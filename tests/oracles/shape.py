"""What section 3 of the engine's contract says of a graph before anything runs: sources, back edges, loops, `waits`.

Sets and searches only, so that it can be read against the page line by line.

Read from the page where it leaves room:
- on_error edges are edges like any other for sources, paths and the depth-first search; `end` is no node.
- A spent node still counts as the *beginning* of a path (it may be active); only paths that go on through it do not.
- "without passing through h" of a loop forbids `h` on the way to the back edge's source, not as the target of the back edge.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import cast

START = "start"
END = "end"


@dataclass(frozen=True)
class Edge:
    source: str
    targets: tuple[str, ...]  # in the order in which the search follows them; may hold `end`
    on_error: bool


def read_edge(raw: Mapping[str, object]) -> Edge:
    """One member of `edges`; a route leads to its rules' targets in order, then to `otherwise`."""
    if "route" in raw:
        targets = [rule["to"] for rule in cast(list[Mapping[str, str]], raw["route"])]
        targets += [cast(str, raw["otherwise"])] if "otherwise" in raw else []
    else:
        targets = list(cast(list[str], raw["targets"])) if "targets" in raw else [cast(str, raw["to"])]
    return Edge(cast(str, raw["from"]), tuple(targets), bool(raw.get("on_error")))


@dataclass(frozen=True)
class Join:
    rule: str  # each (a token, a run), all, count, from
    count: int = 0
    named: tuple[str, ...] = ()
    cancel_rest: bool = False
    on_starved: str = "fail"
    concurrency: int = 1


def read_join(node: Mapping[str, object], sources: int) -> Join:
    """The rule of a node with that many sources."""
    join = node.get("join", "any" if node["kind"] == "terminate" else "all")
    if isinstance(join, str):
        return Join("each" if sources <= 1 or join == "any" else "all", concurrency=cast(int, node.get("concurrency", 1)))
    keys = cast(Mapping[str, object], join)
    on_starved = cast(str, keys.get("on_starved", "fail"))
    if "from" in keys:
        return Join("from", named=tuple(cast(list[str], keys["from"])), on_starved=on_starved)
    return Join("count", count=cast(int, keys["count"]), cancel_rest=bool(keys.get("cancel_rest")), on_starved=on_starved)


class Shape:
    """The graph of a document, as the join rules see it."""

    def __init__(self, document: Mapping[str, object]) -> None:
        self.nodes = tuple(cast(Mapping[str, object], document["nodes"]))
        self.edges = [read_edge(raw) for raw in cast(list[Mapping[str, object]], document["edges"])]
        self.sources: dict[str, set[str]] = {node: set() for node in self.nodes}
        for edge in self.edges:
            for target in edge.targets:
                if target != END:
                    self.sources[target].add(edge.source)
        self.preorder: list[str] = []
        self.back: set[tuple[str, str]] = set()
        self._search(START, set())
        self.loops = {head: self._loop(head) for head in {head for _, head in self.back}}

    def _search(self, node: str, still_open: set[str]) -> None:
        """Depth first in the order of the edges: fills `preorder` (without `start`) and `back`."""
        for target in [target for edge in self.edges if edge.source == node for target in edge.targets if target != END]:
            if target in still_open:
                self.back.add((node, target))
            elif target not in self.preorder:
                self.preorder.append(target)
                self._search(target, still_open | {target})

    def _loop(self, head: str) -> set[str]:
        body: set[str] = set()
        front = [source for source, target in self.back if target == head]
        while front:
            node = front.pop()
            if node not in body | {head, START}:
                body.add(node)
                front += self.sources[node]
        return {head} | body & self._reachable(head)

    def _reachable(self, origin: str) -> set[str]:
        found: set[str] = set()
        front = [origin]
        while front:
            node = front.pop()
            if node not in found:
                found.add(node)
                front += [target for target in self.nodes if node in self.sources[target]]
        return found

    def heads_around(self, node: str) -> set[str]:
        """Heads, other than `node`, of the loops that contain it."""
        return {head for head, members in self.loops.items() if node in members and head != node}

    def waits(self, node: str, spent: Set[str]) -> set[str]:
        """`waits(node)` while the count joins in `spent` let no path through (save for the head of a loop they are in)."""
        closed = self.heads_around(node)
        own_loop = self.loops.get(node, set())
        found: set[str] = set()
        front = [node]
        while front:
            target = front.pop()
            for source in self.sources[target] - found - {node, START}:
                if (source, target) in self.back and target in closed:
                    continue
                found.add(source)
                if source not in spent or source in own_loop:
                    front.append(source)
        return found

    def ends_a_branch(self, node: str) -> bool:
        """Whether `node` counts as one without edges out."""
        return all(edge.on_error for edge in self.edges if edge.source == node)
