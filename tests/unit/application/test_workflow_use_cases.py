"""Publishing, finding, filling and composing workflows, over a store in memory."""

import copy
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import get_ident
from typing import Any

import pytest

from application.composition import ComposeOrder, ComposeWorkflows
from application.once import Once
from application.paging import PageOrder
from application.preparing_prompts import PromptShelf
from application.templates import GetTemplate, InstantiateTemplate, ListTemplates, PutTemplate, TemplateOrder, filled
from application.validation import Validate, Validation
from application.versions import resolve_versions
from application.workflows import CheckDocument, GetWorkflow, ListVersions, ListWorkflows, PublishWorkflow, ValidateWorkflow
from domain.access import LOCAL_ADMIN, Principal, Role
from domain.errors import Forbidden, TemplateNotFound, ValidationError, VersionTaken, WorkflowNotFound
from domain.ids import ContentHash, TenantId, ThreadId
from domain.json import Json
from domain.ports.nodes import Workshop
from infrastructure.canonical import content_hash
from infrastructure.store.memory.open import open_memory
from infrastructure.store.store import Store
from tests.documents import TRIAGE, Document, OurKinds, document, workshop
from tests.toolbox import SameForAll

AUTHOR = Principal(TenantId("acme"), Role.AUTHOR)
VIEWER = Principal(TenantId("acme"), Role.VIEWER)
STRANGER = Principal(TenantId("other"), Role.ADMIN)
PAGE = PageOrder()


@dataclass
class SteppingClock:
    """A second later at every look."""

    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Desk:
    """The use cases over one store."""

    store: Store
    clock: SteppingClock = field(default_factory=SteppingClock)
    workshop: Workshop = field(default_factory=workshop)

    @property
    def validate(self) -> Validate:
        return Validate(OurKinds(), self.workshop)

    @property
    def check(self) -> CheckDocument:
        return CheckDocument(self.validate, self.store.workflows, SameForAll(self.workshop.tools), self.prompts)

    @property
    def prompts(self) -> PromptShelf:
        return PromptShelf(self.store.prompts, self.workshop.templates, self.workshop.schemas)

    @property
    def once(self) -> Once:
        return Once(self.store.marks, self.clock)

    @property
    def publish(self) -> PublishWorkflow:
        return PublishWorkflow(self.check, self.store.workflows, self.once, content_hash, self.clock)

    @property
    def put(self) -> PutTemplate:
        return PutTemplate(self.store.templates, self.once, self.workshop, self.clock)

    @property
    def instantiate(self) -> InstantiateTemplate:
        return InstantiateTemplate(self.store.templates, self.workshop)

    @property
    def compose(self) -> ComposeWorkflows:
        return ComposeWorkflows(self.store.workflows, self.validate)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with open_memory(clock=SteppingClock()) as store:
        yield Desk(store)


def named(name: str, version: str = "1.0.0", **others: Any) -> Document:
    return document("a", **others) | {"name": name, "version": version}


def running(name: str, *workflows: str) -> Document:
    nodes = {f"n{number}": {"kind": "workflow", "workflow": workflow} for number, workflow in enumerate(workflows)}
    return document(nodes, [f"start > {node}" for node in nodes]) | {"name": name}


def problems_of(error: pytest.ExceptionInfo[ValidationError]) -> set[tuple[str, str]]:
    return {(problem.pointer, problem.code) for problem in error.value.problems}


@dataclass(frozen=True)
class WatchedValidate(Validate):
    threads: list[int] = field(default_factory=list)

    def __call__(self, document: Json) -> Validation:
        self.threads.append(get_ident())
        return super().__call__(document)


@pytest.mark.parametrize(
    ("written", "here"),
    [
        pytest.param(document("a") | {"odd": 1}, True, id="a small document"),
        pytest.param({f"k{number}": 1 for number in range(3000)}, False, id="members that nobody knows"),
        pytest.param({"odd": [[[0] * 40] * 40] * 40}, False, id="values far inside"),
        pytest.param({"odd": "x" * 3_000_000}, False, id="a long text"),
    ],
)
async def test_what_takes_long_to_check_and_to_locate_leaves_the_event_loop_free(desk: Desk, written: Json, here: bool) -> None:
    validate = WatchedValidate(OurKinds(), desk.workshop)

    def locate(_: str) -> None:
        validate.threads.append(get_ident())

    found = await CheckDocument(validate, desk.store.workflows, SameForAll(desk.workshop.tools), desk.prompts)(
        AUTHOR.tenant, written, locate
    )
    assert "unknown_field" in {problem.code for problem in found.problems}
    assert len(validate.threads) == 1 + len(found.problems) + len(found.warnings)
    assert {thread == get_ident() for thread in validate.threads} == {here}


async def test_a_published_workflow_is_found_by_version_and_as_the_newest(desk: Desk) -> None:
    published = await desk.publish(AUTHOR, TRIAGE)
    newer = copy.deepcopy(TRIAGE) | {"version": "1.10.0"}
    await desk.publish(AUTHOR, newer)

    get = GetWorkflow(desk.store.workflows)
    exact, newest = await get(VIEWER, "support-triage", "1.2.0"), await get(VIEWER, "support-triage")
    assert (exact.document, exact.hash) == (TRIAGE, content_hash(TRIAGE))
    assert newest.version == "1.10.0"
    assert published.fresh
    assert published.view.document is None


async def test_the_same_content_again_is_not_published_twice(desk: Desk) -> None:
    first = await desk.publish(AUTHOR, TRIAGE)
    moved = copy.deepcopy(TRIAGE)
    moved["nodes"]["look_up"]["position"] = {"x": 0, "y": 0}
    again = await desk.publish(AUTHOR, moved)

    assert (first.fresh, again.fresh) == (True, False)
    assert again.view == first.view


async def test_another_content_under_a_used_version_is_refused(desk: Desk) -> None:
    await desk.publish(AUTHOR, TRIAGE)

    with pytest.raises(VersionTaken):
        await desk.publish(AUTHOR, TRIAGE | {"description": "other"})


async def test_updated_at_moves_with_a_new_version_and_created_at_does_not(desk: Desk) -> None:
    first = (await desk.publish(AUTHOR, named("w"))).view
    second = (await desk.publish(AUTHOR, named("w", "2.0.0"))).view

    assert second.created_at == first.created_at
    assert second.updated_at > first.updated_at


async def test_an_invalid_document_is_not_stored(desk: Desk) -> None:
    with pytest.raises(ValidationError) as error:
        await desk.publish(AUTHOR, document("a b"))

    assert problems_of(error) == {("/nodes/b", "unreachable")}
    with pytest.raises(WorkflowNotFound):
        await GetWorkflow(desk.store.workflows)(VIEWER, "w")


async def test_a_valid_document_is_published_with_its_warnings(desk: Desk) -> None:
    written = document("a", ["start > a", {"from": "a", "route": [{"when": "true", "to": "end"}]}])

    assert [warning.code for warning in (await desk.publish(AUTHOR, written)).warnings] == ["route_without_otherwise"]


async def test_validating_says_everything_and_stores_nothing(desk: Desk) -> None:
    validate = ValidateWorkflow(desk.check)
    good, bad = await validate(VIEWER, TRIAGE), await validate(VIEWER, document("a b"), lambda pointer: (7, 3))

    assert (good.valid, good.problems) == (True, [])
    assert [(found.pointer, found.line, found.column) for found in bad.problems] == [("/nodes/b", 7, 3)]
    assert (await ListWorkflows(desk.store.workflows)(VIEWER, PAGE)).items == []


async def test_a_viewer_may_look_and_not_publish(desk: Desk) -> None:
    with pytest.raises(Forbidden):
        await desk.publish(VIEWER, TRIAGE)
    with pytest.raises(Forbidden):
        await desk.put(VIEWER, TemplateOrder(name="t", document={}))


async def test_another_tenants_workflow_is_as_unknown_as_none(desk: Desk) -> None:
    await desk.publish(AUTHOR, TRIAGE)
    get = GetWorkflow(desk.store.workflows)

    said = set()
    for name in ("support-triage", "never-heard-of"):
        with pytest.raises(WorkflowNotFound) as error:
            await get(STRANGER, name)
        said.add(error.value.message.replace(name, "it"))
    assert len(said) == 1
    assert (await ListWorkflows(desk.store.workflows)(STRANGER, PAGE)).items == []


async def test_lists_come_in_pages(desk: Desk) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        await desk.publish(AUTHOR, named("b", version))
    await desk.publish(AUTHOR, named("a"))
    list_workflows, versions = ListWorkflows(desk.store.workflows), ListVersions(desk.store.workflows)

    first = await list_workflows(VIEWER, PageOrder(limit=1))
    rest = await list_workflows(VIEWER, PageOrder(limit=1, cursor=first.next_cursor))
    assert [(view.name, view.version) for view in first.items + rest.items] == [("a", "1.0.0"), ("b", "1.2.0")]
    of_b = await versions(VIEWER, "b", PageOrder(limit=2))
    assert [view.version for view in of_b.items] == ["1.2.0", "1.1.0"]
    assert [view.version for view in (await versions(VIEWER, "b", PageOrder(limit=2, cursor=of_b.next_cursor))).items] == ["1.0.0"]


async def test_a_workflow_that_is_named_must_be_there(desk: Desk) -> None:
    await desk.publish(AUTHOR, named("there"))

    with pytest.raises(ValidationError) as error:
        await desk.publish(AUTHOR, running("w", "there", "nowhere", "there@9.0.0", "w", "w@1.0.0", "self"))
    assert problems_of(error) == {("/nodes/n1/workflow", "unknown_workflow"), ("/nodes/n2/workflow", "unknown_workflow")}
    assert "there" in next(problem.message for problem in error.value.problems if problem.pointer == "/nodes/n1/workflow")


async def test_versions_are_resolved_through_all_levels_and_each_name_once(desk: Desk) -> None:
    await desk.publish(AUTHOR, named("leaf"))
    await desk.publish(AUTHOR, named("leaf", "2.0.0"))
    await desk.publish(AUTHOR, named("round"))
    await desk.publish(AUTHOR, running("middle", "leaf@1.0.0", "round"))
    await desk.publish(AUTHOR, running("round", "middle", "self") | {"version": "2.0.0"})
    inner = {"nodes": {"x": {"kind": "workflow", "workflow": "leaf"}}, "edges": [{"from": "start", "to": "x"}]}
    top = running("top", "middle")
    top["nodes"]["m"] = {"kind": "map", "over": [], "graph": inner}
    top["edges"].append({"from": "start", "to": "m"})
    await desk.publish(AUTHOR, top)
    stored = await desk.store.workflows.get(AUTHOR.tenant, "top")

    versions = await resolve_versions(desk.store.workflows, desk.store.prompts, AUTHOR.tenant, stored.graph, ThreadId("t"))
    found = {name: (await desk.store.workflows.by_hash(AUTHOR.tenant, ContentHash(content))).graph.id for name, content in versions.items()}
    assert found == {"middle": "middle@1.0.0", "leaf": "leaf@2.0.0", "leaf@1.0.0": "leaf@1.0.0", "round": "round@2.0.0"}


TEMPLATE: dict[str, Any] = {
    "name": "greet",
    "parameters": [
        {"name": "model", "schema": {"type": "string"}},
        {"name": "tokens", "schema": {"type": "integer", "minimum": 1}, "default": 100},
        {"name": "tone", "schema": {"type": "string"}, "default": "kind"},
    ],
    "document": document(
        {"a": {"kind": "llm", "model": "{{model}}", "max_tokens": "{{ tokens }}", "prompt": "Be {{tone}} ({{tokens}}): {{ state.name }}"}},
        ["start > a"],
        state={"name": {}},
    ),
}


async def test_a_template_is_filled_and_can_then_be_published(desk: Desk) -> None:
    kept = await desk.put(AUTHOR, TemplateOrder.model_validate(TEMPLATE))
    filled_in = await desk.instantiate(VIEWER, "greet", {"model": "fast", "tone": "brief"})

    assert filled_in["nodes"] == {"a": {"kind": "llm", "model": "fast", "max_tokens": 100, "prompt": "Be brief (100): {{ state.name }}"}}
    assert kept.fresh
    assert (await ListWorkflows(desk.store.workflows)(VIEWER, PAGE)).items == []
    assert (await desk.publish(AUTHOR, filled_in)).fresh


async def test_templates_are_kept_listed_and_replaced(desk: Desk) -> None:
    await desk.put(AUTHOR, TemplateOrder.model_validate(TEMPLATE))
    again = await desk.put(AUTHOR, TemplateOrder.model_validate(TEMPLATE | {"description": "says hello"}))
    whole = await GetTemplate(desk.store.templates)(VIEWER, "greet")

    assert not again.fresh
    assert (whole.description, whole.document) == ("says hello", TEMPLATE["document"])
    assert whole.model_dump(by_alias=True)["parameters"][1] == {
        "name": "tokens",
        "schema": {"type": "integer", "minimum": 1},
        "required": False,
        "default": 100,
    }
    (listed,) = (await ListTemplates(desk.store.templates)(VIEWER, PAGE)).items
    assert (listed.name, listed.document) == ("greet", None)
    with pytest.raises(TemplateNotFound):
        await GetTemplate(desk.store.templates)(STRANGER, "greet")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, {("/parameters", "missing_parameter")}, id="a parameter without default is needed"),
        pytest.param({"model": 5}, {("/parameters/model", "schema_type")}, id="values have types"),
        pytest.param({"model": "m", "tokens": 0}, {("/parameters/tokens", "schema_minimum")}, id="and bounds"),
        pytest.param({"model": "m", "size": 1}, {("/parameters/size", "unknown_parameter")}, id="unknown ones are refused"),
        pytest.param(
            {"tokens": "x", "size": 1},
            {
                ("/parameters", "missing_parameter"),
                ("/parameters/tokens", "schema_type"),
                ("/parameters/size", "unknown_parameter"),
            },
            id="all at once",
        ),
    ],
)
async def test_values_that_do_not_fit_are_refused(desk: Desk, given: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    await desk.put(AUTHOR, TemplateOrder.model_validate(TEMPLATE))

    with pytest.raises(ValidationError) as error:
        await desk.instantiate(VIEWER, "greet", given)
    assert problems_of(error) == expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        pytest.param([{"name": "x"}], {("/parameters/0/name", "no_hole")}, id="every parameter has a hole"),
        pytest.param([{"name": "state"}], {("/parameters/0/name", "name_taken")}, id="prompts use some names themselves"),
        pytest.param([{"name": "tone"}, {"name": "tone"}], {("/parameters/1/name", "name_taken")}, id="names are unique"),
        pytest.param(
            [{"name": "tone", "schema": {"type": "strin"}}], {("/parameters/0/schema/type", "bad_schema")}, id="schemas are schemas"
        ),
        pytest.param(
            [{"name": "tone", "schema": {"type": "string"}, "default": 5}], {("/parameters/0/default", "schema_type")}, id="defaults fit"
        ),
    ],
)
async def test_a_template_that_cannot_be_filled_is_refused(desk: Desk, parameters: Any, expected: set[tuple[str, str]]) -> None:
    with pytest.raises(ValidationError) as error:
        await desk.put(AUTHOR, TemplateOrder.model_validate(TEMPLATE | {"parameters": parameters}))
    assert problems_of(error) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{{x}}", [1, "a"]),
        ("{{ x }}!", '[1, "a"]!'),
        ({"k-{{y}}": ["{{y}}"]}, {"k-text": ["text"]}),
        ("{{ z }} {{ x.y }} {x}", "{{ z }} {{ x.y }} {x}"),
        ("{{y}}{{y}}", "texttext"),
    ],
    ids=["a whole value keeps its type", "inside a text it is text", "keys and lists too", "other braces stay", "every hole"],
)
def test_filling(written: Any, expected: Any) -> None:
    assert filled(written, {"x": [1, "a"], "y": "text"}) == expected


def test_what_is_filled_in_is_not_filled_again() -> None:
    assert filled("{{a}}", {"a": "{{b}}", "b": 1}) == "{{b}}"


def producer(**gives: Any) -> Document:
    state = {name: {"type": of} for name, of in gives.items()}
    return document("a", state=state, output={name: f"${{state.{name}}}" for name in gives}) | {"name": "producer"}


def consumer(**takes: Any) -> Document:
    schema = {
        "type": "object",
        "properties": {name: {"type": of} for name, of in takes.items()},
        "required": list(takes),
        "additionalProperties": False,
    }
    return document("a", input=schema, state={"done": {"type": "boolean"}}) | {"name": "consumer"}


def composing(**inputs: str) -> ComposeOrder:
    steps = [
        {"id": "first", "workflow": "producer@1.0.0", "inputs": {"text": "input.topic"}},
        {"id": "second", "workflow": "consumer", "inputs": inputs},
    ]
    return ComposeOrder.model_validate({"name": "both", "steps": steps})


async def test_two_workflows_become_one_document_that_can_be_published(desk: Desk) -> None:
    await desk.publish(AUTHOR, producer(text="string"))
    await desk.publish(AUTHOR, consumer(words="string", language="string"))

    composed = await desk.compose(VIEWER, composing(words="first.text", language="input.language"))
    assert composed["nodes"] == {
        "first": {"kind": "workflow", "workflow": "producer@1.0.0", "input": {"text": "${input.topic}"}, "writes": {"first": "${output}"}},
        "second": {
            "kind": "workflow",
            "workflow": "consumer",
            "input": {"words": "${state.first.text}", "language": "${input.language}"},
            "writes": {"second": "${output}"},
        },
    }
    assert composed["input"] == {
        "type": "object",
        "properties": {"topic": {"type": "string"}, "language": {"type": "string"}},
        "required": ["language", "topic"],
    }
    assert composed["output"] == {"done": "${state.second.done}"}
    assert (await desk.publish(AUTHOR, composed)).fresh


async def test_steps_without_a_mapping_are_joined_by_name(desk: Desk) -> None:
    await desk.publish(AUTHOR, producer(text="string", other="integer"))
    await desk.publish(AUTHOR, consumer(text="string"))
    steps = [{"id": "one", "workflow": "producer"}, {"id": "two", "workflow": "consumer"}]
    order = ComposeOrder.model_validate({"name": "both", "steps": steps, "output": {"n": "one.other", "asked": "input.text"}})

    composed: Any = await desk.compose(VIEWER, order)
    assert [node["input"] for node in composed["nodes"].values()] == ["${input}", {"text": "${state.one.text}"}]
    assert composed["output"] == {"n": "${state.one.other}", "asked": "${input.text}"}
    assert composed["input"]["required"] == ["text"]


@pytest.mark.parametrize(
    ("takes", "inputs", "expected"),
    [
        pytest.param(
            {"words": "integer"}, {"words": "first.text"}, {("/steps/1/inputs/words", "type_mismatch")}, id="types that cannot meet"
        ),
        pytest.param(
            {"words": "string"}, {"words": "first.size"}, {("/steps/1/inputs/words", "unknown_output")}, id="an output there is not"
        ),
        pytest.param({"words": "string"}, {"words": "third.text"}, {("/steps/1/inputs/words", "unknown_step")}, id="a step there is not"),
        pytest.param(
            {"words": "string"}, {"words": "second.done"}, {("/steps/1/inputs/words", "unknown_step")}, id="a step that is not before"
        ),
        pytest.param({"words": "string"}, {}, {("/steps/1", "missing_input")}, id="an input nobody gives"),
        pytest.param({}, {"words": "first.text"}, {("/steps/1/inputs/words", "unknown_input")}, id="an input nobody takes"),
    ],
)
async def test_what_does_not_fit_together_is_refused(
    desk: Desk, takes: dict[str, str], inputs: dict[str, str], expected: set[tuple[str, str]]
) -> None:
    await desk.publish(AUTHOR, producer(text="string"))
    await desk.publish(AUTHOR, consumer(**takes))

    with pytest.raises(ValidationError) as error:
        await desk.compose(VIEWER, composing(**inputs))
    assert problems_of(error) == expected


async def test_a_number_may_be_made_of_an_integer(desk: Desk) -> None:
    await desk.publish(AUTHOR, producer(text="integer"))
    await desk.publish(AUTHOR, consumer(words="number"))

    assert await desk.compose(VIEWER, composing(words="first.text"))


async def test_workflows_that_would_run_each_other_are_refused(desk: Desk) -> None:
    await desk.publish(AUTHOR, named("bottom"))
    await desk.publish(AUTHOR, running("middle", "bottom"))
    order = {"name": "bottom", "version": "2.0.0", "steps": [{"id": "m", "workflow": "middle"}, {"id": "b", "workflow": "bottom@1.0.0"}]}

    with pytest.raises(ValidationError) as error:
        await desk.compose(VIEWER, ComposeOrder.model_validate(order))
    assert problems_of(error) == {("/steps/0/workflow", "workflow_cycle"), ("/steps/1/workflow", "workflow_cycle")}


async def test_unknown_workflows_and_taken_names_are_said_together(desk: Desk) -> None:
    await desk.publish(AUTHOR, named("there"))
    steps = [
        {"id": "a", "workflow": "there"},
        {"id": "a", "workflow": "there"},
        {"id": "input", "workflow": "there"},
        {"id": "b", "workflow": "gone"},
    ]

    with pytest.raises(ValidationError) as error:
        await desk.compose(VIEWER, ComposeOrder.model_validate({"name": "w", "steps": steps}))
    assert problems_of(error) == {("/steps/1/id", "name_taken"), ("/steps/2/id", "name_taken"), ("/steps/3/workflow", "unknown_workflow")}


async def test_a_composed_workflow_needs_a_name_that_can_be_published(desk: Desk) -> None:
    await desk.publish(AUTHOR, named("there"))

    with pytest.raises(ValidationError) as error:
        await desk.compose(VIEWER, ComposeOrder.model_validate({"name": "a/b", "steps": [{"id": "a", "workflow": "there"}]}))
    assert problems_of(error) == {("/name", "bad_name")}


async def test_everybody_on_the_machine_may_publish(desk: Desk) -> None:
    assert (await desk.publish(LOCAL_ADMIN, TRIAGE)).fresh
