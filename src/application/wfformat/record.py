"""WfFormat 1.5 as it is written: what ran, how long it took, and what waited for what."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Final

from application.documents.bounds import unfit
from application.documents.reading import Part, kind_of
from domain.errors import Problem
from domain.json import JsonObject

LONGEST_TASK: Final = 3_600.0
"""Seconds; what one call of `sleep` may take."""
_TASKS: Final = "/workflow/specification/tasks"


@dataclass(frozen=True, slots=True)
class Task:
    id: str
    at: str
    name: str
    parents: Sequence[str]
    children: Sequence[str]


@dataclass(frozen=True, slots=True)
class Record:
    """What ran: the tasks by id, their seconds, and for each those it waited for."""

    name: str
    tasks: Mapping[str, Task]
    seconds: Mapping[str, float]
    after: Mapping[str, Sequence[str]] = field(default_factory=dict)


def read_record(document: JsonObject, scale: float, problems: list[Problem]) -> Record:
    """With the recorded seconds times `scale`. What is wrong is added to `problems`; the record is then of no use."""
    problems += unfit(document)
    top = Part({} if problems else document, "", problems)
    if problems:
        return Record("", {}, {})
    _check_version(top)
    top.need("workflow")
    workflow = top.part("workflow")
    specification, execution = workflow.part("specification"), workflow.part("execution")
    for part in (specification, execution):
        part.need("tasks")
    tasks = _tasks(specification)
    record = Record(top.text("name", "workflow"), tasks, _seconds(execution, tasks, scale))
    for task in tasks.values():
        if task.id not in record.seconds and not problems:
            problems.append(Problem(task.at, "no_runtime", f"no runtime of `{task.id}` is recorded under /workflow/execution/tasks"))
    return replace(record, after=_after(tasks, problems))


def _check_version(top: Part) -> None:
    version = top.fields.get("schemaVersion", "1.5")
    if not (isinstance(version, str) and (version == "1.5" or version.startswith("1.5."))):
        top.note("schemaVersion", "unknown_format", f"WfFormat 1.5 can be read, and this is {kind_of(version)}")


def _tasks(specification: Part) -> dict[str, Task]:
    tasks: dict[str, Task] = {}
    for part in specification.parts("tasks"):
        part.need("id")
        name = part.text("id")
        if name in tasks:
            part.note("id", "duplicate_id", f"`{name}` is the id of another task, too")
        elif name:
            tasks[name] = Task(name, part.pointer, part.text("name"), part.texts("parents"), part.texts("children"))
    if specification.has("tasks") and not tasks and not specification.problems:
        specification.note("tasks", "no_tasks", "there are no tasks")
    return tasks


def _seconds(execution: Part, tasks: Mapping[str, Task], scale: float) -> dict[str, float]:
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


def _after(tasks: Mapping[str, Task], problems: list[Problem]) -> dict[str, Sequence[str]]:
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


def _claims(tasks: Mapping[str, Task]) -> Iterator[tuple[str, str, str]]:
    """Parent, child, and the pointer to where it is said."""
    for task in tasks.values():
        for place, parent in enumerate(task.parents):
            yield parent, task.id, f"{task.at}/parents/{place}"
        for place, child in enumerate(task.children):
            yield task.id, child, f"{task.at}/children/{place}"
