"""Recorded workflows of WfCommons (WfFormat 1.5) as graphs that take as long as the recorded ones did, or a part of that.

A task becomes a call of the tool `sleep`, which holds its slot as the task held its machine.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from math import isfinite
from typing import Final

from application.documents.bounds import unfit
from application.documents.reading import Part, kind_of
from domain.errors import Problem, ValidationError
from domain.graph.definition import END, START
from domain.json import Json, JsonObject

LONGEST_TASK: Final = 3_600.0
"""Seconds; what one call of `sleep` may take."""
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST_ID: Final = 120
_TASKS: Final = "/workflow/specification/tasks"


class Order(StrEnum):
    """In which order tasks that become ready together take the free slots: as the file lists them, or the longest way to the end first."""

    DOCUMENT = "document"
    LONGEST_PATH = "longest_path"


@dataclass(frozen=True, slots=True)
class _Task:
    id: str
    at: str
    name: str
    parents: Sequence[str]
    children: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Record:
    """What ran: the tasks by id, their seconds, and for each those it waited for."""

    name: str
    tasks: Mapping[str, _Task]
    seconds: Mapping[str, float]
    after: Mapping[str, Sequence[str]] = field(default_factory=dict)


def graph_of(document: JsonObject, *, scale: float, concurrency: int, order: Order = Order.DOCUMENT) -> JsonObject:
    """A graph document. Recorded seconds are multiplied by `scale`; at most `concurrency` tasks run at once.

    `ValidationError` with all that is wrong with the file, by pointers into it; a circle is told with the names on it."""
    problems: list[Problem] = []
    if not isfinite(scale) or scale < 0:
        problems.append(Problem("", "bad_scale", f"the scale must be a number of at least 0, not {scale}"))
    if concurrency < 1:
        problems.append(Problem("", "bad_concurrency", f"the concurrency must be at least 1, not {concurrency}"))
    record = _read(document, scale, problems)
    if problems:
        raise ValidationError(_summary(problems), problems)
    return _document(_ordered(record, order), concurrency)


def _read(document: JsonObject, scale: float, problems: list[Problem]) -> _Record:
    problems += unfit(document)
    top = Part({} if problems else document, "", problems)
    if problems:
        return _Record("", {}, {})
    _check_version(top)
    top.need("workflow")
    workflow = top.part("workflow")
    specification, execution = workflow.part("specification"), workflow.part("execution")
    for part in (specification, execution):
        part.need("tasks")
    tasks = _tasks(specification)
    record = _Record(top.text("name", "workflow"), tasks, _seconds(execution, tasks, scale))
    for task in tasks.values():
        if task.id not in record.seconds and not problems:
            problems.append(Problem(task.at, "no_runtime", f"no runtime of `{task.id}` is recorded under /workflow/execution/tasks"))
    return replace(record, after=_after(tasks, problems))


def _check_version(top: Part) -> None:
    version = top.fields.get("schemaVersion", "1.5")
    if not (isinstance(version, str) and (version == "1.5" or version.startswith("1.5."))):
        top.note("schemaVersion", "unknown_format", f"WfFormat 1.5 can be read, and this is {kind_of(version)}")


def _tasks(specification: Part) -> dict[str, _Task]:
    tasks: dict[str, _Task] = {}
    for part in specification.parts("tasks"):
        part.need("id")
        name = part.text("id")
        if name in tasks:
            part.note("id", "duplicate_id", f"`{name}` is the id of another task, too")
        elif name:
            tasks[name] = _Task(name, part.pointer, part.text("name"), part.texts("parents"), part.texts("children"))
    if specification.has("tasks") and not tasks and not specification.problems:
        specification.note("tasks", "no_tasks", "there are no tasks")
    return tasks


def _seconds(execution: Part, tasks: Mapping[str, _Task], scale: float) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for part in execution.parts("tasks"):
        part.need("id", "runtimeInSeconds")
        name = part.text("id")
        if name and name not in tasks:
            part.note("id", "unknown_task", f"there is no task `{name}` under {_TASKS}")
        elif name in seconds:
            part.note("id", "duplicate_id", f"`{name}` has a runtime already")
        seconds[name] = taken = round(part.seconds("runtimeInSeconds", 0.0) * scale, 6)
        if taken > LONGEST_TASK:
            message = f"`{name}` would take {taken:,.0f} seconds, and a task may take {LONGEST_TASK:,.0f}: choose a smaller scale"
            part.note("runtimeInSeconds", "too_long", message)
    return seconds


def _after(tasks: Mapping[str, _Task], problems: list[Problem]) -> dict[str, Sequence[str]]:
    """Per task, those it waits for in the order of the file: what it calls its parents, and what calls it a child."""
    found: dict[str, dict[str, None]] = {name: {} for name in tasks}
    for parent, child, at in _claims(tasks):
        other = parent if at.rsplit("/", 2)[1] == "parents" else child
        if other not in tasks:
            problems.append(Problem(at, "unknown_task", f"there is no task `{other}`"))
        else:
            found[child][parent] = None
    places = {name: place for place, name in enumerate(tasks)}
    after = {name: sorted(parents, key=places.__getitem__) for name, parents in found.items()}
    try:
        TopologicalSorter(after).prepare()
    except CycleError as circle:
        names: list[str] = circle.args[1]
        message = f"these tasks wait for each other without end: {' -> '.join(f'`{name}`' for name in names)}"
        problems.append(Problem(tasks[names[0]].at, "cycle", message))
    return dict(after)


def _claims(tasks: Mapping[str, _Task]) -> Iterator[tuple[str, str, str]]:
    """Parent, child, and the pointer to where it is said."""
    for task in tasks.values():
        for place, parent in enumerate(task.parents):
            yield parent, task.id, f"{task.at}/parents/{place}"
        for place, child in enumerate(task.children):
            yield task.id, child, f"{task.at}/children/{place}"


def _ordered(record: _Record, order: Order) -> _Record:
    if order is Order.DOCUMENT:
        return record
    left = _seconds_left(record)
    names = sorted(record.tasks, key=lambda name: -left[name])
    return replace(record, tasks={name: record.tasks[name] for name in names})


def _seconds_left(record: _Record) -> dict[str, float]:
    """From a task's start to the end of the longest way that begins with it."""
    children: dict[str, list[str]] = defaultdict(list)
    for child, parents in record.after.items():
        for parent in parents:
            children[parent].append(child)
    left: dict[str, float] = {}
    for name in reversed(list(TopologicalSorter(record.after).static_order())):
        left[name] = record.seconds[name] + max((left[child] for child in children[name]), default=0.0)
    return left


def _document(record: _Record, concurrency: int) -> JsonObject:
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


def _node(task: _Task, seconds: float, node: str) -> JsonObject:
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
