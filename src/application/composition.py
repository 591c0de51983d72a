"""One workflow from several: each published workflow becomes a node, and its outputs are handed on by name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from application.documents import pointer_to, summary
from application.validation import Validate
from application.versions import name_and_version, named_versions
from application.wiring import Ports, can_meet, object_or_empty, ports_of
from domain.access import Principal, Role
from domain.errors import NotFound, Problem, ValidationError
from domain.graph.definition import END, START, Graph
from domain.ids import TenantId
from domain.json import Json, JsonObject
from domain.ports.repositories import Workflows

_TAKEN: Final = frozenset({"input", START, END})
OUTSIDE: Final = "input"
"""The step that stands for whoever starts the composed workflow."""


class ComposeStep(BaseModel):
    """`inputs`: what the workflow gets, as `step.output` or `input.name`.

    Left out: the first step gets the whole input, a later one what an earlier step gives by the same name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
    workflow: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@[0-9A-Za-z.+-]{1,128})?$")]
    inputs: dict[str, Annotated[str, Field(pattern=r"^[A-Za-z_]\w{0,63}\.[A-Za-z_]\w{0,127}$")]] | None = None


class ComposeOrder(BaseModel):
    """The steps run one after the other. `output`: what the whole gives, written like `inputs`; left out: what the last step gives."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: str
    version: str = "1.0.0"
    description: Annotated[str, Field(max_length=4_000)] = ""
    steps: Annotated[list[ComposeStep], Field(min_length=1, max_length=100)]
    output: dict[str, Annotated[str, Field(pattern=r"^[A-Za-z_]\w{0,63}\.[A-Za-z_]\w{0,127}$")]] | None = None


@dataclass(frozen=True, slots=True)
class ComposeWorkflows:
    """Answers a document, and publishes nothing. A circle, an unknown name or two types that cannot meet is a `ValidationError`."""

    workflows: Workflows
    validate: Validate

    async def __call__(self, who: Principal, order: ComposeOrder) -> dict[str, JsonValue]:
        who.must_be(Role.VIEWER)
        graphs, problems = await self._graphs(who.tenant, order)
        plan = _Plan(order, {step: ports_of(graph) for step, graph in graphs.items()})
        problems += [] if problems else plan.problems()
        if problems:
            raise ValidationError(summary(problems), problems)
        document = plan.document(graphs[order.steps[0].id].input_schema)
        self.validate(document).checked()
        return cast("dict[str, JsonValue]", document)

    async def _graphs(self, tenant: TenantId, order: ComposeOrder) -> tuple[dict[str, Graph], list[Problem]]:
        graphs: dict[str, Graph] = {}
        problems: list[Problem] = []
        for number, step in enumerate(order.steps):
            at = f"/steps/{number}"
            if step.id in graphs or step.id in _TAKEN:
                problems.append(Problem(f"{at}/id", "name_taken", f"`{step.id}` is taken; call the step something else"))
            try:
                graphs[step.id] = graph = (await self.workflows.get(tenant, *name_and_version(step.workflow))).graph
                inner = await named_versions(self.workflows, tenant, graph)
            except NotFound as error:
                problems.append(Problem(f"{at}/workflow", "unknown_workflow", error.message))
                continue
            if order.name in {graph.name, *(name_and_version(name)[0] for name in inner)}:
                message = f"`{step.workflow}` runs `{order.name}` itself, so the two would run each other without end"
                problems.append(Problem(f"{at}/workflow", "workflow_cycle", message))
        return graphs, problems


@dataclass(slots=True)
class _Plan:
    """Who hands what to whom. `wires`: per step, input -> (step, output)."""

    order: ComposeOrder
    ports: Mapping[str, Ports]
    wires: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)

    def problems(self) -> list[Problem]:
        found: list[Problem] = []
        before: list[str] = []
        for number, step in enumerate(self.order.steps):
            self.wires[step.id] = self._by_name(step.id, before) if step.inputs is None else _read(step.inputs)
            found += self._wrong_inputs(f"/steps/{number}", step, before)
            before.append(step.id)
        for name, source in _read(self.order.output or {}).items():
            found += self._wrong_source(pointer_to("/output", name), source, before, {})
        return found

    def _by_name(self, step: str, before: Sequence[str]) -> dict[str, tuple[str, str]]:
        nearest = {name: (earlier, name) for earlier in before for name in self.ports[earlier].gives}
        return {name: nearest[name] for name in self.ports[step].takes if name in nearest}

    def _wrong_inputs(self, at: str, step: ComposeStep, before: Sequence[str]) -> Iterator[Problem]:
        ports, wires = self.ports[step.id], self.wires[step.id]
        for name, source in wires.items():
            pointer = pointer_to(f"{at}/inputs", name)
            if name not in ports.takes and ports.closed:
                yield Problem(pointer, "unknown_input", f"`{step.workflow}` takes no `{name}`; it takes {', '.join(sorted(ports.takes))}")
            yield from self._wrong_source(pointer, source, before, ports.takes.get(name, {}))
        if before or step.inputs is not None:
            for name in sorted(ports.required - wires.keys()):
                yield Problem(at, "missing_input", f"`{step.workflow}` needs `{name}`, and nothing is mapped to it")

    def _wrong_source(self, at: str, source: tuple[str, str], before: Sequence[str], wanted: JsonObject) -> Iterator[Problem]:
        step, name = source
        if step == OUTSIDE:
            return
        if step not in before:
            yield Problem(at, "unknown_step", f"`{step}` is not a step before this; those are {', '.join(before) or 'none'}")
        elif name not in self.ports[step].gives:
            known = ", ".join(sorted(self.ports[step].gives)) or "nothing"
            yield Problem(at, "unknown_output", f"`{step}` gives no `{name}`; it gives {known}")
        elif not can_meet(self.ports[step].gives[name], wanted):
            given = self.ports[step].gives[name].get("type")
            yield Problem(at, "type_mismatch", f"`{step}.{name}` is {given}, and {wanted.get('type')} is wanted")

    def document(self, first_input: JsonObject | None) -> dict[str, Json]:
        ids = [step.id for step in self.order.steps]
        return {
            "weft": 1,
            "name": self.order.name,
            "version": self.order.version,
            "description": self.order.description,
            "input": self._input(first_input),
            "state": {step: {} for step in ids},
            "nodes": {step.id: self._node(number, step) for number, step in enumerate(self.order.steps)},
            "edges": [{"from": source, "to": target} for source, target in zip([START, *ids], [*ids, END], strict=True)],
            "output": self._output(ids[-1]),
        }

    def _input(self, first: JsonObject | None) -> dict[str, Json]:
        base = dict(first or {}) if self.order.steps[0].inputs is None else {}
        taken: dict[str, Json] = {name: {} for step, name in _read(self.order.output or {}).values() if step == OUTSIDE}
        for step, wires in self.wires.items():
            taken |= {source[1]: self.ports[step].takes.get(name, {}) for name, source in wires.items() if source[0] == OUTSIDE}
        if taken:
            required = base.get("required")
            named = [str(name) for name in required] if isinstance(required, list) else []
            base["properties"] = taken | dict(object_or_empty(base.get("properties")))
            base["required"] = sorted({*named, *taken})
        return {"type": "object", **base}

    def _node(self, number: int, step: ComposeStep) -> dict[str, Json]:
        given: Json = {name: _value(source) for name, source in self.wires[step.id].items()}
        if number == 0 and step.inputs is None:
            given = "${input}"
        return {"kind": "workflow", "workflow": step.workflow, "input": given, "writes": {step.id: "${output}"}}

    def _output(self, last: str) -> dict[str, Json]:
        if self.order.output is not None:
            return {name: _value(source) for name, source in _read(self.order.output).items()}
        return {name: _value((last, name)) for name in self.ports[last].gives}


def _read(written: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    sources = {name: source.partition(".") for name, source in written.items()}
    return {name: (step, output) for name, (step, _, output) in sources.items()}


def _value(source: tuple[str, str]) -> str:
    step, name = source
    return f"${{input.{name}}}" if step == OUTSIDE else f"${{state.{step}.{name}}}"
