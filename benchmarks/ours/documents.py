"""The graphs that are measured, as documents: they are published, stored and loaded like anybody's."""

from itertools import pairwise
from typing import Any

Document = dict[str, Any]
COUNTER = {"x": {"type": "integer", "default": 0}}
ADD_ONE = {"kind": "transform", "writes": {"x": "${state.x + 1}"}}


def document(state: Document, nodes: Document, edges: list[Document]) -> Document:
    return {"weft": 1, "name": "measured", "version": "1.0.0", "state": state, "nodes": nodes, "edges": edges}


def edge(source: str, target: str) -> Document:
    return {"from": source, "to": target}


def chain(size: int, node: Document = ADD_ONE) -> Document:
    """So many nodes in a row."""
    names = [f"n{number}" for number in range(size)]
    path = ["start", *names, "end"]
    return document(COUNTER, dict.fromkeys(names, node), [edge(source, target) for source, target in pairwise(path)])


def loop(size: int) -> Document:
    """One node, visited so many times: after each visit a condition decides."""
    again = {"from": "n", "edge_type": "flexible_conditional", "route": [{"when": f"state.x < {size}", "to": "n"}], "otherwise": "end"}
    return document(COUNTER, {"n": ADD_ONE}, [edge("start", "n"), again])


def fan(size: int) -> Document:
    """So many branches by edges, each adding to a list, and a join that sees the whole of it."""
    branches = [f"w{number}" for number in range(size)]
    nodes: Document = {"source": {"kind": "transform"}, "join": {"kind": "transform", "writes": {"total": "${size(state.out)}"}}}
    nodes |= {name: {"kind": "transform", "writes": {"out": number + 1}} for number, name in enumerate(branches)}
    edges = [edge("start", "source"), *(edge("source", name) for name in branches), *(edge(name, "join") for name in branches)]
    state = {"out": {"type": "array", "merge": "append", "default": []}, "total": {"type": "integer"}}
    return document(state, nodes, [*edges, edge("join", "end")])


def mapped() -> Document:
    """A frame of one node for each item of the input, and their results as one list."""
    inner = {
        "state": {"y": {"type": "integer"}},
        "nodes": {"a": {"kind": "transform", "writes": {"y": "${input.item + 1}"}}},
        "edges": [edge("start", "a"), edge("a", "end")],
    }
    collect = {"kind": "map", "over": "${input.items}", "graph": inner, "writes": {"out": "${output}", "total": "${size(output)}"}}
    state = {"out": {"type": "array", "items": {"type": "object"}}, "total": {"type": "integer"}}
    return document(state, {"m": collect}, [edge("start", "m"), edge("m", "end")])
