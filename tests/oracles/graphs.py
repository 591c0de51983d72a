"""Random graph documents of any shape that validation accepts, and random decisions for their nodes.

Only two kinds occur: `transform` and `terminate`. Every node can be reached from `start`; count joins are no heads of loops;
from joins name all their sources, and none is fed by `start`.
"""

import random
from collections.abc import Mapping
from typing import cast

from tests.oracles.shape import END, START, Edge, Shape, read_edge

Raw = dict[str, object]


def random_graph(rng: random.Random) -> Raw:
    """A document of 2 to 12 nodes, in random order of nodes and edges."""
    names = [f"n{number}" for number in range(rng.randint(2, 12))]
    enders = {name for name in names[1:] if rng.random() < 0.06}
    edges = tree_of_edges(rng, names, enders)
    for _ in range(rng.randint(0, 2 * len(names))):
        edges.append(random_edge(rng, rng.choice([name for name in names if name not in enders]), names))
    if rng.random() < 0.2:
        edges.append({"from": START, "to": rng.choice(names)})
    rng.shuffle(edges)
    nodes: dict[str, Raw] = {name: {"kind": "terminate" if name in enders else "transform"} for name in rng.sample(names, len(names))}
    document: Raw = {"weft": 1, "name": "random", "version": "1.0.0", "state": {"next": {"type": "array"}}, "nodes": nodes, "edges": edges}
    add_joins(rng, nodes, Shape(document))
    return document


def tree_of_edges(rng: random.Random, names: list[str], enders: set[str]) -> list[Raw]:
    """One edge into every node from an earlier one, so that all can be reached."""
    edges: list[Raw] = [{"from": START, "to": names[0]}]
    for position, name in enumerate(names[1:], 1):
        earlier = [other for other in names[max(0, position - 4) : position] if other not in enders] or [names[0]]
        source = START if rng.random() < 0.08 else rng.choice(earlier)
        is_sure = source == START or rng.random() < 0.7
        edges.append({"from": source, "to": name} if is_sure else {"from": source, "to": name, "when": "true"})
    return edges


def random_edge(rng: random.Random, source: str, names: list[str]) -> Raw:
    """An edge of any type. Those that lead back are seldom simple: a run should end now and then."""
    several = rng.sample([*names, END], rng.randint(2, min(3, len(names) + 1)))
    target = rng.choice([*names, *names, END])
    leads_back = target != END and names.index(target) <= names.index(source)
    match rng.choice(["simple", "when", "when", "first", "all", "dynamic", "error"]):
        case "simple" if not leads_back or rng.random() < 0.1:
            return {"from": source, "to": target}
        case "first":
            rules = [{"when": "true", "to": name} for name in several[1:]]
            return {"from": source, "route": rules, "otherwise": several[0]}
        case "all":
            return {"from": source, "route": [{"when": "true", "to": name} for name in several], "take": "all"}
        case "dynamic":
            return {"from": source, "to": "${state.next}", "targets": several}
        case "error":
            return {"from": source, "to": target, "on_error": rng.choice([True, ["timeout"]])}
    return {"from": source, "to": target, "when": "true"}


def add_joins(rng: random.Random, nodes: dict[str, Raw], shape: Shape) -> None:
    """Gives some nodes a join of their own and some a concurrency of two."""
    for name, node in nodes.items():
        sources = sorted(shape.sources[name])
        match rng.choice(["default"] * 5 + ["all", "any", "count", "count", "from"]):
            case "count" if name not in shape.loops:
                node["join"] = random_count(rng, len(sources))
            case "from" if START not in sources:
                node["join"] = {"from": sources, **on_starved(rng)}
            case "any" | "all" as rule:
                node["join"] = rule
        if rng.random() < 0.2:
            node["concurrency"] = 2


def random_count(rng: random.Random, sources: int) -> Raw:
    cancel: Raw = {"cancel_rest": True} if rng.random() < 0.4 else {}
    return {"count": rng.randint(1, sources + 1), **cancel, **on_starved(rng)}


def on_starved(rng: random.Random) -> Raw:
    said = rng.choice([None, "run", "run", "drop", "drop"])
    return {"on_starved": said} if said else {}


def random_targets(rng: random.Random, document: Mapping[str, object], node: str) -> tuple[str, ...]:
    """Targets that one activation of `node` (or `start`) may take: its edges, each by its type, or one on_error edge alone."""
    edges = [(raw, read_edge(raw)) for raw in cast(list[Raw], document["edges"]) if raw["from"] == node]
    errors = [edge.targets for _, edge in edges if edge.on_error]
    if errors and rng.random() < 0.2:
        return rng.choice(errors)
    taken = [target for raw, edge in edges if not edge.on_error for target in taken_of(rng, raw, edge)]
    return tuple(dict.fromkeys(taken))


def taken_of(rng: random.Random, raw: Raw, edge: Edge) -> list[str]:
    """What one edge that is not for errors gives: a route always something, a dynamic target perhaps nothing."""
    targets = list(edge.targets)
    if raw.get("take") == "all":
        rules = targets[:-1] if "otherwise" in raw else targets
        chosen = [target for target in rules if rng.random() < 0.5]
        return chosen or ([targets[-1]] if "otherwise" in raw else [rng.choice(rules)])
    if "route" in raw:
        return [rng.choice(targets)]
    if "targets" in raw:
        return [target for target in targets if rng.random() < 0.5]
    return [] if "when" in raw and rng.random() < 0.5 else targets
