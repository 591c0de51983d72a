"""The standard load: a workflow of every kind of step, whose data can be checked.

Every node but the wait calls the ledger with the values of the channels in `SEEN`, and writes the answer to the channel of its own name.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.integration.faults.effects import prompt

SEEN: Mapping[str, Sequence[str]] = {
    "open": ["account"],
    "ask": ["open"],
    "left": ["ask"],
    "right": ["ask"],
    "third": ["ask"],
    "meet": ["left", "right", "third"],
    "again": ["meet", "again"],
    "pay": ["again"],
    "close": ["pay"],
    "b1": ["account"],
    "b2": ["account"],
    "b3": ["account"],
    "b4": ["account"],
    "b5": ["account"],
    "b6": ["account"],
    "b7": ["account"],
    "b8": ["account"],
    "all": ["b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8"],
}
ROUNDS = 2
VISITS = sorted(["open", "ask", "left", "right", "third", "meet", *["again"] * ROUNDS, "rest", "pay", "close"])
"""Of the nodes of one standard run."""


def standard(rest_seconds: float = 0.3, *, pays: bool = True) -> dict[str, Any]:
    """`pays` False: the payment is idempotent, so that no crash leaves its outcome unknown."""
    nodes = {
        "open": tool("put", "open"),
        "ask": asks("ask"),
        "left": tool("look", "left"),
        "right": tool("put", "right"),
        "third": asks("third"),
        "meet": tool("put", "meet"),
        "again": tool("look", "again", rounds=1),
        "rest": {"kind": "wait", "first": [{"signal": "go"}, {"seconds": rest_seconds}]},
        "pay": tool("pay" if pays else "put", "pay"),
        "close": tool("put", "close"),
    }
    plain = ["start open", "open ask", "ask left", "ask right", "ask third", "left meet", "right meet", "third meet", "meet again"]
    edges = [edge(*pair.split()) for pair in [*plain, "rest pay", "pay close"]]
    edges += [edge("again", "again", f"state.rounds < {ROUNDS}"), edge("again", "rest", f"state.rounds >= {ROUNDS}")]
    return document("standard", nodes, edges)


def branches(rounds: int) -> dict[str, Any]:
    """Eight branches on one join, `rounds` times: the loop has one head, from which all branches leave."""
    names = [f"b{number}" for number in range(1, 9)]
    nodes: dict[str, Any] = {name: {"kind": "transform", "writes": {name: f"${{'{name}.' + string(state.rounds)}}"}} for name in names}
    nodes["b1"], nodes["b8"] = tool("look", "b1"), tool("look", "b8")
    nodes["fork"], nodes["all"] = {"kind": "transform", "writes": {"rounds": 1}}, tool("look", "all")
    edges = [edge("start", "fork"), *(edge("fork", name) for name in names), *(edge(name, "all") for name in names)]
    edges += [edge("all", "fork", f"state.rounds < {rounds}"), edge("all", "end", f"state.rounds >= {rounds}")]
    return document("branches", nodes, edges)


def single() -> dict[str, Any]:
    """One call, and nothing else."""
    return document("single", {"open": tool("look", "open")}, [edge("start", "open"), edge("open", "end")])


def bombed() -> dict[str, Any]:
    return document("bombed", {"bomb": {"kind": "tool", "tool": "bomb", "arguments": {"seen": []}}}, [edge("start", "bomb")])


def asking_for_a_signal() -> dict[str, Any]:
    return document("asking", {"rest": {"kind": "wait", "signal": "go"}}, [edge("start", "rest")])


def holding(seconds: float) -> dict[str, Any]:
    """A careless author's node: it holds the event loop of its worker."""
    node = {"kind": "tool", "tool": "hog", "arguments": {"seconds": seconds}}
    return document("holding", {"hog": node}, [edge("start", "hog")])


def tool(name: str, node: str, **writes: Any) -> dict[str, Any]:
    seen = "${[" + ", ".join(f"state.{channel}" for channel in SEEN[node]) + "]}"
    return {"kind": "tool", "tool": name, "arguments": {"seen": seen}, "writes": {node: "${output.answer}", **writes}}


def asks(channel: str, node: str = "") -> dict[str, Any]:
    """`node`: its name, where that is not the channel's."""
    return {
        "kind": "llm",
        "model": "ledger/clerk",
        "prompt": prompt(node or channel, *SEEN[channel]),
        "writes": {channel: "${output.text}"},
    }


def edge(source: str, target: str, when: str = "") -> dict[str, Any]:
    return {"from": source, "to": target, **({"when": when} if when else {})}


def document(name: str, nodes: dict[str, Any], edges: list[dict[str, Any]]) -> dict[str, Any]:
    channels: dict[str, Any] = {channel: {"type": "string", "default": ""} for channel in ["account", *SEEN]}
    channels["rounds"] = {"type": "integer", "merge": "add", "default": 0}
    limits = {"visits": 10_000, "steps": 100_000}
    return {"weft": 1, "name": name, "version": "1.0.0", "state": channels, "nodes": nodes, "edges": edges, "limits": limits}
