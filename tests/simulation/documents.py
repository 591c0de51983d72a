"""A structured program as a document whose ways are decided by what its nodes answer."""

from collections.abc import Sequence
from typing import Any, cast
from zlib import crc32

from tests.oracles.structured import Case

RETRY = {"attempts": 50, "first_seconds": 0.1, "factor": 1.5, "max_seconds": 3, "codes": ["flaky", "timeout", "deadline"]}
ALONE = ("transform", "once", "transform")
WITH_PEOPLE = ("transform", "once", "human")
LIMITS = {"steps": 1_000_000, "visits": 1_000_000, "seconds": 1_000_000}


def document_of(case: Case, *, asks: bool) -> dict[str, Any]:
    """`asks`: a third of its nodes ask somebody."""
    return {
        **_graph(cast(dict[str, Any], case.document), WITH_PEOPLE if asks else ALONE),
        "weft": 1,
        "name": "simulated",
        "version": "1.0.0",
        "limits": LIMITS,
    }


def _graph(graph: dict[str, Any], kinds: Sequence[str]) -> dict[str, Any]:
    nodes = {name: _node(name, node, kinds) for name, node in graph["nodes"].items()}
    targets: dict[str, dict[str, None]] = {}
    for edge in graph["edges"]:
        targets.setdefault(edge["from"], {}).update(dict.fromkeys(_reached(edge)))
    edges = [_edge(source, list(reached), nodes) for source, reached in targets.items()]
    return {"nodes": nodes, "edges": [edge for some in edges for edge in some]}


def _node(name: str, node: dict[str, Any], kinds: Sequence[str]) -> dict[str, Any]:
    if node["kind"] == "map":
        return {"kind": "map", "over": [], "graph": _graph(node["graph"], kinds)}
    return {"kind": kinds[crc32(name.encode()) % len(kinds)], "retry": RETRY, "timeout_seconds": 20}


def _edge(source: str, targets: list[str], nodes: dict[str, Any]) -> list[dict[str, Any]]:
    if source == "start" or nodes[source]["kind"] == "map":
        return [{"from": source, "to": target} for target in targets]
    return [{"from": source, "to": "${output.targets}", "targets": targets}]


def _reached(edge: dict[str, Any]) -> list[str]:
    if "targets" in edge:
        return list(edge["targets"])
    named = [edge.get("to"), *(rule["to"] for rule in edge.get("route", ())), edge.get("otherwise")]
    return [name for name in named if name is not None]
