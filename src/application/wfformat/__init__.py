"""Recorded workflows of WfCommons (WfFormat 1.5) as graphs that take as long as the recorded ones did, or a part of that.

A task becomes a call of the tool `sleep`, which holds its slot as the task held its machine.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from graphlib import TopologicalSorter
from math import isfinite
from typing import Final

from application.wfformat.record import Record, Task, read_record
from domain.errors import Problem, ValidationError
from domain.graph.definition import END, START
from domain.json import Json, JsonObject

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST_ID: Final = 120


class Order(StrEnum):
    """In which order tasks that become ready together take the free slots: as the file lists them, or the longest way to the end first."""

    DOCUMENT = "document"
    LONGEST_PATH = "longest_path"


def graph_of(document: JsonObject, *, scale: float, concurrency: int, order: Order = Order.DOCUMENT) -> JsonObject:
    """A graph document. Recorded seconds are multiplied by `scale`; at most `concurrency` tasks run at once.

    `ValidationError` with all that is wrong with the file, by pointers into it; a circle is told with the names on it."""
    problems: list[Problem] = []
    if not isfinite(scale) or scale < 0:
        problems.append(Problem("", "bad_scale", f"the scale must be a number of at least 0, not {scale}"))
    if concurrency < 1:
        problems.append(Problem("", "bad_concurrency", f"the concurrency must be at least 1, not {concurrency}"))
    record = read_record(document, scale, problems)
    if problems:
        raise ValidationError(_summary(problems), problems)
    return _document(_ordered(record, order), concurrency)


def _ordered(record: Record, order: Order) -> Record:
    if order is Order.DOCUMENT:
        return record
    left = _seconds_left(record)
    names = sorted(record.tasks, key=lambda name: -left[name])
    return replace(record, tasks={name: record.tasks[name] for name in names})


def _seconds_left(record: Record) -> dict[str, float]:
    """From a task's start to the end of the longest way that begins with it."""
    children: dict[str, list[str]] = defaultdict(list)
    for child, parents in record.after.items():
        for parent in parents:
            children[parent].append(child)
    left: dict[str, float] = {}
    for name in reversed(list(TopologicalSorter(record.after).static_order())):
        left[name] = record.seconds[name] + max((left[child] for child in children[name]), default=0.0)
    return left


def _document(record: Record, concurrency: int) -> JsonObject:
    ids = _safe_ids(record.tasks)
    waited_for = {parent for parents in record.after.values() for parent in parents}
    edges: list[Json] = []
    for name, node in ids.items():
        edges += [{"from": source, "to": node} for source in [ids[parent] for parent in record.after[name]] or [START]]
    edges += [{"from": node, "to": END} for name, node in ids.items() if name not in waited_for]
    return {
        "weft": 1,
        "name": _safe(record.name)[:_LONGEST_ID] or "workflow",
        "version": "1.0.0",
        "description": f"{record.name}: {len(ids)} tasks as they were recorded, each a wait of its time.",
        "tags": ["wfformat"],
        "nodes": {ids[name]: _node(task, record.seconds[name], ids[name]) for name, task in record.tasks.items()},
        "edges": edges,
        "limits": {
            "steps": 2 * len(ids) + 100,
            "seconds": round(2 * sum(record.seconds.values()) + 600),
            "concurrency": concurrency,
        },
    }


def _node(task: Task, seconds: float, node: str) -> JsonObject:
    told = ": ".join(dict.fromkeys(text for text in (task.name, task.id) if text and text != node))
    return {"kind": "tool", "tool": "sleep", "arguments": {"seconds": seconds}, **({"description": told} if told else {})}


def _safe_ids(names: Mapping[str, object]) -> dict[str, str]:
    """Every id as a node's id may be; those that become alike, or mean something else to us, get a number."""
    taken = {str(START), str(END)}
    safe: dict[str, str] = {}
    for name in names:
        base = _safe(name)[:_LONGEST_ID] or "task"
        node, number = base, 1
        while node in taken:
            number += 1
            node = f"{base}_{number}"
        taken.add(node)
        safe[name] = node
    return safe


def _safe(text: str) -> str:
    return _UNSAFE.sub("_", text).lstrip(".-")


def _summary(problems: Sequence[Problem]) -> str:
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"not a workflow in WfFormat: {first.pointer or 'at the top'}: {first.message}{more}"
