"""Random structured programs, as graph documents and as what they mean.

The interpreter walks the program like any language's would and knows nothing of tokens or joins; the documents use the default join alone.
A decision is a hash of the case's salt and the activation's path, so it does not depend on the order in which branches finish.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.oracles.programs import Chance, Choice, Dead, Growth, Map, Parallel, Part, Program, Repeat, Several, Task, While


@dataclass(frozen=True)
class Case:
    """One program. `decide(path, node)` gives the targets an activation takes; `items(path)` the length of a map's list."""

    document: dict[str, object]
    decide: Callable[[str, str], tuple[str, ...]]
    items: Callable[[str], int]
    expected: Counter[str]  # node id -> visits in the whole run, over all frames


Decision = Callable[[str], tuple[str, ...]]


@dataclass
class Compiled:
    """One frame's document in the making; `decisions`, shared by all frames, answers for every node with edges out."""

    chance: Chance
    decisions: dict[str, Decision]
    starts: dict[str, str]  # id of a map, "" for the root -> where its graph begins
    nodes: dict[str, object] = field(default_factory=dict)
    edges: list[dict[str, object]] = field(default_factory=list)

    def document(self, owner: str, program: Program, rng: random.Random) -> dict[str, object]:
        """The order of nodes and edges means nothing in a structured graph: it is shuffled to show that."""
        self.starts[owner] = self.program(program, "end", rng)
        self.edges.append({"from": "start", "to": self.starts[owner]})
        nodes = list(self.nodes.items())
        rng.shuffle(nodes)
        rng.shuffle(self.edges)
        return {"state": {"targets": {"type": "array"}}, "nodes": dict(nodes), "edges": self.edges}

    def program(self, program: Program, then: str, rng: random.Random) -> str:
        """Adds the program, followed by node `then`; returns the node it begins with."""
        for part in reversed(program):
            then = self.part(part, then, rng)
        return then

    def part(self, part: Part, then: str, rng: random.Random) -> str:
        match part:
            case Task():
                return self.task(part, then)
            case Map(node, body):
                inner = Compiled(self.chance, self.decisions, self.starts).document(node, body, rng)
                return self.simple(node, [then], {"kind": "map", "over": [], "graph": inner})
            case While(gate, body):
                return self.loop_test(gate, self.program(body, gate, rng), then)
            case Repeat(body, test):
                first = self.program(body, test, rng)
                self.loop_test(test, first, then)
                return first
            case Parallel(gate, branches):
                return self.simple(gate, [self.program(branch, then, rng) for branch in branches])
            case Choice(gate, ways, is_dynamic):
                targets = [self.chain(way.chain) if isinstance(way, Dead) else self.program(way, then, rng) for way in ways]
                return self.gate(gate, targets, is_dynamic, lambda path: [self.chance.one_of(path, len(targets))])
            case Several(gate, branches, is_dynamic):
                targets = [self.program(branch, then, rng) for branch in branches]
                return self.gate(gate, targets, is_dynamic, lambda path: self.chance.some_of(path, len(targets)), take_all=True)

    def simple(self, node: str, targets: Sequence[str], config: dict[str, object] | None = None) -> str:
        self.nodes[node] = config or {"kind": "transform"}
        self.edges += [{"from": node, "to": target} for target in dict.fromkeys(targets)]
        self.decisions[node] = lambda path: tuple(dict.fromkeys(targets))
        return node

    def chain(self, names: tuple[str, ...]) -> str:
        for name, after in zip(names, [*names[1:], None], strict=True):
            self.simple(name, [after] if after else [])
        return names[0]

    def task(self, task: Task, then: str) -> str:
        if not task.side:
            return self.simple(task.node, [then])
        side = self.chain(task.side)
        self.simple(task.node, [then, side])
        if not task.side_is_sure:
            self.edges[-1]["when"] = "true"
            self.decisions[task.node] = lambda path: (then, side) if self.chance.one_of(path, 2) else (then,)
        return task.node

    def loop_test(self, gate: str, again: str, then: str) -> str:
        return self.gate(gate, [again, then], False, lambda path: [0 if self.chance.again(path) else 1])

    def gate(
        self, node: str, targets: Sequence[str], is_dynamic: bool, taken: Callable[[str], list[int]], *, take_all: bool = False
    ) -> str:
        self.nodes[node] = {"kind": "transform"}
        if is_dynamic:
            self.edges.append({"from": node, "to": "${state.targets}", "targets": list(dict.fromkeys(targets))})
        elif take_all:
            self.edges.append({"from": node, "route": [{"when": "true", "to": target} for target in targets], "take": "all"})
        else:
            rules = [{"when": "true", "to": target} for target in targets[:-1]]
            self.edges.append({"from": node, "route": rules, "otherwise": targets[-1]})
        self.decisions[node] = lambda path: tuple(dict.fromkeys(targets[index] for index in taken(path)))
        return node


@dataclass
class Interpreter:
    """What a program means. `run` says whether the flow goes on behind it."""

    chance: Chance

    def run(self, program: Program, frame: Walk) -> bool:
        return all(self.part(part, frame) for part in program)

    def part(self, part: Part, frame: Walk) -> bool:
        match part:
            case Task(node, side):
                path = frame.visit(node)
                self.chain(side if part.side_is_sure or self.chance.one_of(path, 2) else (), frame)
                return True
            case Map(node, body):
                path = frame.visit(node)
                for index in range(self.chance.items(path)):
                    self.run(body, Walk(f"{path}[{index}]", frame.expected))
                return True
            case While(gate, body):
                return self.loop(gate, body, frame)
            case Repeat(body, test):
                return self.run(body, frame) and self.loop(test, body, frame)
            case Parallel(gate, branches):
                frame.visit(gate)
                alive = [self.run(branch, frame) for branch in branches]  # every branch runs, whichever others end
                return any(alive)
            case Several(gate, branches):
                chosen = self.chance.some_of(frame.visit(gate), len(branches))
                alive = [self.run(branches[index], frame) for index in chosen]
                return any(alive)
            case Choice(gate, ways):
                return self.way(ways[self.chance.one_of(frame.visit(gate), len(ways))], frame)

    def loop(self, test: str, body: Program, frame: Walk) -> bool:
        while self.chance.again(frame.visit(test)):
            if not self.run(body, frame):
                return False
        return True

    def way(self, way: Program | Dead, frame: Walk) -> bool:
        if not isinstance(way, Dead):
            return self.run(way, frame)
        self.chain(way.chain, frame)
        return False

    def chain(self, names: tuple[str, ...], frame: Walk) -> None:
        for name in names:
            frame.visit(name)


@dataclass
class Walk:
    """One frame of the interpreter: numbers visits, and counts them for the whole run."""

    prefix: str
    expected: Counter[str]
    visits: Counter[str] = field(default_factory=Counter)

    def visit(self, node: str) -> str:
        """The path of the next visit of `node`."""
        self.visits[node] += 1
        self.expected[node] += 1
        return f"{self.prefix}/{node}#{self.visits[node]}"


def random_case(rng: random.Random, depth: int = 5, size: int = 25) -> Case:
    """A program at most `depth` constructs deep, of about `size` nodes, with all its decisions fixed."""
    program = Growth(rng, size).whole(depth)
    chance = Chance(rng.getrandbits(48))
    compiled = Compiled(chance, {}, {})
    document = {"weft": 1, "name": "structured", "version": "1.0.0", **compiled.document("", program, rng)}
    walk = Walk("", Counter())
    Interpreter(chance).run(program, walk)

    def decide(path: str, node: str) -> tuple[str, ...]:
        if node != "start":
            return compiled.decisions[node](path)
        owner = path.split("/")[-2].partition("#")[0]
        return (compiled.starts[owner],)

    return Case(document, decide, chance.items, walk.expected)
