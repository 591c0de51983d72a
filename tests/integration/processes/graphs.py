"""Graphs whose nodes tell the witness that they were called."""

from typing import Any


def call(name: str, until: str = "", tool: str = "witness") -> dict[str, Any]:
    arguments = {"name": name, "until": until} if until else {"name": name}
    return {"kind": "tool", "tool": tool, "arguments": arguments, "writes": {"calls": "${output.name}"}}


def graph(nodes: dict[str, Any], *arrows: str) -> dict[str, Any]:
    """`arrows`: "a b c" leads from a to b to c."""
    pairs = [pair for arrow in arrows for pair in zip(arrow.split(), arrow.split()[1:], strict=False)]
    return {
        "weft": 1,
        "name": "witnessed",
        "version": "1.0.0",
        "state": {"calls": {"type": "array", "items": {"type": "string"}, "merge": "append", "default": []}},
        "nodes": nodes,
        "edges": [{"from": source, "to": target} for source, target in pairs],
        "output": {"calls": "${state.calls}"},
    }


def chain(*names: str, tool: str = "witness") -> dict[str, Any]:
    """One after the other; the one named `held` waits for the gate `gate`."""
    nodes = {name: call(name, "gate" if name == "held" else "", tool) for name in names}
    return graph(nodes, " ".join(("start", *names)))


def forked() -> dict[str, Any]:
    """`before`, then `beside` and `held` side by side, then `after` when both are done."""
    nodes = {name: call(name, "gate" if name == "held" else "") for name in ("before", "beside", "held", "after")}
    return graph(nodes, "start before beside after", "before held after")
