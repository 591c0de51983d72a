"""Strongly connected components of a graph of numbers, and what lies upstream of each node, as bits. None of it is recursive."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

Rows: TypeAlias = Sequence[Sequence[int]] | Mapping[int, Sequence[int]]
"""Per node, its neighbours on one side."""


def components(nodes: Iterable[int], out: Rows) -> list[list[int]]:
    """Strongly connected components of the graph of `out` (rows of nodes outside `nodes` are not entered); sources come first (Tarjan
    1972)."""
    wanted = set(nodes)
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    waiting: list[int] = []
    on_stack: set[int] = set()
    found: list[list[int]] = []
    for root in wanted:
        if root in number:
            continue
        number[root] = low[root] = len(number)
        waiting.append(root)
        on_stack.add(root)
        work = [(root, iter(out[root]))]
        while work:
            node, rest = work[-1]
            target = next(rest, None)
            if target is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    found.append(_unstack(waiting, on_stack, node))
            elif target not in number and target in wanted:
                number[target] = low[target] = len(number)
                waiting.append(target)
                on_stack.add(target)
                work.append((target, iter(out[target])))
            elif target in on_stack:
                low[node] = min(low[node], number[target])
    found.reverse()
    return found


def _unstack(waiting: list[int], on_stack: set[int], down_to: int) -> list[int]:
    part = []
    while True:
        node = waiting.pop()
        on_stack.discard(node)
        part.append(node)
        if node == down_to:
            return part


def closure(parts: list[list[int]], into: Rows, seeds: Mapping[int, int]) -> dict[int, int]:
    """Per node: the bits of everything upstream of it, over components that come sources first."""
    reach: dict[int, int] = {}
    for part in parts:
        together = to_bits(part) if len(part) > 1 else 0
        members = set(part)
        for node in part:
            together |= seeds.get(node, 0)
            for source in into[node]:
                if source not in members:
                    together |= reach[source] | 1 << source
        for node in part:
            reach[node] = together
    return reach


def to_bits(nodes: Collection[int]) -> int:
    field_of_bits = bytearray((max(nodes) >> 3) + 1)
    for node in nodes:
        field_of_bits[node >> 3] |= 1 << (node & 7)
    return int.from_bytes(field_of_bits, "little")
