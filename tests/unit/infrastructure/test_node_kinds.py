"""The node kinds: what they refuse before a run, what they do in one, and how kinds of other packages are found."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from domain.errors import ExpressionError, FactoryError, Failure, NodeExecutionError, ToolError, ToolNotFound, ValidationError
from domain.graph.definition import JoinKind, Node
from domain.history import Capture
from domain.ids import DEFAULT_TENANT, ActivationPath, NodeId, RunId
from domain.json import Json, JsonObject
from domain.model import FinishReason, ModelCard, ModelRequest, ModelResponse, OnText, ToolCall
from domain.ports.nodes import EndFrame, Executor, Finished, NodeContext, NodeKind, OpenFrames, Outcome, Park, Workshop
from domain.ports.tools import ToolContext
from domain.tool import Effects, Tool, ToolExecutionResult, ToolMetadata, ToolType
from domain.usage import Money, Usage
from infrastructure.expressions import CelExpressions
from infrastructure.models.tokens import tokens_asked
from infrastructure.nodes import llm, map, terminate, tool, transform, wait, workflow
from infrastructure.nodes.registry import InstalledNodeKinds
from infrastructure.schemas import JsonSchemas
from infrastructure.templates import JinjaTemplates
from tests.unit.infrastructure.kept import Kept

USED = Usage("fast", 10, 5, Money(Decimal("0.01")))
KINDS: dict[str, NodeKind] = {module.kind.name: module.kind for module in (transform, llm, tool, map, workflow, wait, terminate)}
SEARCH = Tool(
    "search",
    ToolType.BUILTIN,
    {
        "type": "object",
        "properties": {"query": {"type": "string"}, "limit": {"type": "integer", "maximum": 9}},
        "required": ["query"],
        "additionalProperties": False,
    },
    ToolMetadata("Finds"),
    effects=Effects.IDEMPOTENT,
)


@dataclass
class OneModel:
    """Answers `answer`, and keeps what it was asked."""

    answer: str = "bug"
    calls: tuple[ToolCall, ...] = ()
    asked: list[ModelRequest] = field(default_factory=list)
    foretold: list[ModelRequest] = field(default_factory=list)

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        self.asked.append(request)
        if on_text:
            on_text(self.answer)
        return ModelResponse(self.answer, "fast-1", FinishReason.STOP, USED, self.calls)

    def at_most(self, request: ModelRequest) -> Usage:
        self.foretold.append(request)
        return Usage("fast-1", tokens_asked(request), request.max_tokens or 1_000, estimated=True)

    def known(self, name: str) -> bool:
        return name == "fast"

    async def survey(self) -> Sequence[ModelCard]:
        return self.cards()

    def cards(self) -> Sequence[ModelCard]:
        return [ModelCard("fast", "fast-1", "test")]


@dataclass
class OneTool:
    result: ToolExecutionResult = field(default_factory=lambda: ToolExecutionResult(["found"]))
    called: list[tuple[str, JsonObject, ToolContext]] = field(default_factory=list)

    async def call(self, name: str, arguments: JsonObject, context: ToolContext) -> ToolExecutionResult:
        self.called.append((name, arguments, context))
        return self.result

    def must_be_allowed(self, name: str, context: ToolContext) -> bool:
        return True

    def get(self, name: str) -> Tool:
        if name != SEARCH.name:
            raise ToolNotFound(f"there is no tool `{name}`; there is search")
        return SEARCH

    def list(self) -> Sequence[Tool]:
        return [SEARCH]


def workshop(models: OneModel | None = None, tools: OneTool | None = None) -> Workshop:
    return Workshop(CelExpressions(), JinjaTemplates(), JsonSchemas(), models or OneModel(), tools or OneTool())


def node(kind: str, **config: Json) -> Node:
    return Node(NodeId("n"), kind, config)


def context(said: list[str] | None = None, **roots: Json) -> NodeContext:
    scope: dict[str, Json] = {"state": {"x": 2, "list": [1, {"a": 2}], "text": "hello"}, "input": {}, **roots}
    say = (said if said is not None else []).append
    about = (DEFAULT_TENANT, RunId("r"), ActivationPath("/n#1"), 1, scope, lambda: 1000.0, say)
    return NodeContext(*about, deadline_seconds=7.0, perform=Kept().started())


def built(one: Node, bench: Workshop | None = None) -> Executor:
    bench = bench or workshop()
    kind = KINDS[one.kind]
    assert bench.schemas.compile(kind.schema).problems(one.config) == ()
    assert kind.inspect(one, bench).problems == ()
    return kind.build(one, bench)


def computed(one: Node) -> Outcome:
    """What a node that only computes makes."""
    executor = built(one)
    assert not executor.waits
    return cast(Outcome, executor.run(context()))


async def awaited(one: Node, bench: Workshop, here: NodeContext | None = None) -> Finished:
    executor = built(one, bench)
    assert executor.waits
    outcome = executor.run(here or context())
    assert not isinstance(outcome, Finished | OpenFrames | Park | EndFrame)
    finished = await outcome
    assert isinstance(finished, Finished)
    return finished


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        pytest.param("transform", {"more": 1}, id="transform has no keys"),
        pytest.param("llm", {"model": "fast"}, id="llm without a prompt"),
        pytest.param("llm", {"model": "fast", "prompt": "a", "messages": []}, id="llm with a prompt and messages"),
        pytest.param("llm", {"model": "fast", "prompt": {"use": "a@newest"}}, id="llm with a prompt whose version is no number"),
        pytest.param("llm", {"model": "fast", "prompt": {"use": "a@1", "given": {}}}, id="llm with a prompt and what it does not have"),
        pytest.param("llm", {"model": "fast", "prompt": "a", "tools": "t"}, id="llm with tools that are no list"),
        pytest.param("llm", {"model": "fast", "prompt": "a", "cache": True}, id="llm with a cache"),
        pytest.param("llm", {"model": "fast", "prompt": "a", "temperature": 3}, id="llm too hot"),
        pytest.param("tool", {"arguments": {}}, id="tool without a name"),
        pytest.param("map", {"over": []}, id="map without a graph"),
        pytest.param("map", {"over": [], "workflow": "w", "graph": {}}, id="map with a workflow and a graph"),
        pytest.param("map", {"over": [], "workflow": "w", "concurrency": 0}, id="map with no concurrency"),
        pytest.param("map", {"over": [], "workflow": "w", "on_item_error": "ignore"}, id="map with an unknown rule"),
        pytest.param("workflow", {"input": {}}, id="workflow without a name"),
        pytest.param("wait", {}, id="wait without seconds"),
        pytest.param("wait", {"seconds": True}, id="wait for yes"),
        pytest.param("wait", {"seconds": 1, "signal": "s"}, id="wait for a time and a signal"),
        pytest.param("wait", {"signal": "a b"}, id="wait for a signal with a space"),
        pytest.param("wait", {"seconds": None}, id="wait for nothing"),
        pytest.param("wait", {"first": []}, id="wait for the first of none"),
        pytest.param("wait", {"first": [{"first": [{"signal": "s"}]}]}, id="wait for the first of a first"),
        pytest.param("wait", {"first": [{"signal": "s"}], "seconds": 1}, id="wait for the first and a time"),
        pytest.param("terminate", {"status": "cancelled"}, id="terminate with another status"),
    ],
)
def test_keys_that_do_not_fit_the_schema_of_the_kind(kind: str, config: JsonObject) -> None:
    assert JsonSchemas().compile(KINDS[kind].schema).problems(config)


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_of_a_kind_is_a_closed_object(kind: str) -> None:
    assert KINDS[kind].schema["type"] == "object"
    assert KINDS[kind].schema["additionalProperties"] is False


@pytest.mark.parametrize(
    ("one", "pointer", "because"),
    [
        pytest.param(node("llm", model="slow", prompt="a"), "/model", "known are fast", id="an unknown model names the known ones"),
        pytest.param(node("llm", model="fast", prompt="{{ x"), "/prompt", "template", id="a prompt that does not parse"),
        pytest.param(
            node("llm", model="fast", prompt="a", system="{{ 2 ** 9 }}"), "/system", "not allowed", id="a system text that is not allowed"
        ),
        pytest.param(
            node("llm", model="fast", messages=[{"content": "${1 +}"}]), "/messages/0/content", "parse", id="an expression in a message"
        ),
        pytest.param(
            node("llm", model="fast", prompt="a", response_schema={"type": "x"}), "/response_schema/type", "Schema", id="a bad schema"
        ),
        pytest.param(
            node("llm", model="fast", prompt="a", context={"max_tokens": 400, "policy": "summarise"}),
            "/context/summary_tokens",
            "400 tokens leaves no room",
            id="a summary as large as all",
        ),
        pytest.param(node("tool", tool="find"), "/tool", "there is search", id="an unknown tool names the known ones"),
        pytest.param(node("tool", tool="search", arguments={"query": 1}), "/arguments/query", "string", id="an argument of the wrong type"),
        pytest.param(node("tool", tool="search", arguments={}), "/arguments", "required", id="an argument that is missing"),
        pytest.param(
            node("tool", tool="search", arguments={"query": "${state.x}", "l": 1}), "/arguments", "unexpected", id="an argument too many"
        ),
        pytest.param(
            node("tool", tool="search", arguments={"query": "${state.x}", "limit": 99}), "/arguments/limit", "9", id="a literal by itself"
        ),
        pytest.param(
            node("tool", tool="search", arguments={"query": "${x}"}), "/arguments/query", "not known", id="an expression in an argument"
        ),
        pytest.param(node("map", over="state.list", workflow="w"), "/over", "must be a list", id="map over a text"),
        pytest.param(
            node("map", over=[1], workflow="w", input={"a/b": "${x}"}), "/input/a~1b", "not known", id="an expression in an input"
        ),
        pytest.param(node("workflow", workflow="w", input="${x}"), "/input", "not known", id="an expression for an input"),
        pytest.param(node("wait", seconds=-1), "/seconds", "not negative", id="a negative wait"),
        pytest.param(node("wait", seconds=1e12), "/seconds", "at most 315,360,000", id="a wait for ages"),
        pytest.param(node("wait", seconds="ten"), "/seconds", "not negative", id="a wait in words"),
        pytest.param(node("wait", until="tomorrow"), "/until", "with its zone", id="a wait until a word"),
        pytest.param(node("wait", until="2030-01-31T09:00:00"), "/until", "with its zone", id="a wait until a time somewhere"),
        pytest.param(node("wait", until=-5), "/until", "seconds since 1970", id="a wait until before time began"),
        pytest.param(node("wait", until="${x}"), "/until", "not known", id="an expression in a wait"),
        pytest.param(node("wait", signal="timer"), "/signal", "another name", id="a signal that is called as time is"),
        pytest.param(node("wait", first=[{"signal": "s"}, {}]), "/first/1", "exactly one", id="nothing to wait for in a first"),
        pytest.param(node("wait", first=[{"signal": "s", "seconds": 1}]), "/first/0", "exactly one", id="two things in one of a first"),
        pytest.param(
            node("wait", first=[{"signal": "s"}, {"seconds": -1}]), "/first/1/seconds", "not negative", id="bad seconds in a first"
        ),
        pytest.param(node("wait", first=[{"until": "soon"}]), "/first/0/until", "with its zone", id="a bad moment in a first"),
        pytest.param(node("terminate", output={"a": "${x}"}), "/output/a", "not known", id="an expression in an output"),
    ],
)
def test_an_inspection_says_what_is_wrong_and_where(one: Node, pointer: str, because: str) -> None:
    problems = KINDS[one.kind].inspect(one, workshop()).problems
    assert [problem.pointer for problem in problems] == [pointer]
    assert because in problems[0].message


def test_an_argument_that_is_computed_is_left_to_the_run() -> None:
    one = node("tool", tool="search", arguments={"query": "${state.text}", "limit": "${state.x}"})
    assert KINDS["tool"].inspect(one, workshop()).problems == ()


def test_an_alias_for_a_model_that_nobody_offers_says_what_it_stands_for() -> None:
    class Misled(OneModel):
        def cards(self) -> Sequence[ModelCard]:
            return [*super().cards(), ModelCard("slow", "nobody/model", "nobody", usable=False)]

    problems = KINDS["llm"].inspect(node("llm", model="slow", prompt="a"), workshop(Misled())).problems
    assert [problem.message for problem in problems] == [
        "`slow` stands for `nobody/model`, and there is no such model: set WEFT_MODELS__slow to another; known are fast"
    ]


def test_an_inspection_says_what_is_read_and_which_workflow_is_run() -> None:
    found = KINDS["map"].inspect(node("map", over="${state.list}", workflow="w@1.0.0", input={"a": "${item.b}"}), workshop())
    assert {read.pointer: set(read.paths) for read in found.reads} == {"/over": {("state", "list")}, "/input/a": {("item", "b")}}
    assert found.workflow == "w@1.0.0"
    found = KINDS["llm"].inspect(node("llm", model="fast", prompt="{{ state.text }}", system="{{ input.n }}"), workshop())
    assert {read.pointer: set(read.paths) for read in found.reads} == {"/prompt": {("state", "text")}, "/system": {("input", "n")}}


def test_transform_finishes_at_once() -> None:
    assert computed(node("transform")) == Finished({})


async def test_llm_sends_its_prompt_and_gives_what_came_back() -> None:
    models, said = OneModel(calls=(ToolCall("1", "search", {"query": "x"}),)), list[str]()
    one = node(
        "llm",
        model="fast",
        prompt="Say {{ state.text }}",
        system="Be {{ state.x }}",
        temperature=0,
        max_tokens=9,
        stop=["."],
        seed=4,
        options={"o": 1},
    )
    finished = await awaited(one, workshop(models), context(said))
    assert finished.usage == USED
    assert finished.output == {
        "text": "bug",
        "json": None,
        "tool_calls": [{"id": "1", "name": "search", "arguments": {"query": "x"}}],
        "finish_reason": "stop",
        "model": "fast-1",
        "usage": {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 15,
            "cost": {"amount": "0.01", "currency": "USD"},
            "estimated": False,
        },
        "parameters": {"temperature": 0, "max_tokens": 9, "seed": 4},
        "cached": False,
        "repairs": 0,
    }
    messages = ({"role": "system", "content": "Be 2"}, {"role": "user", "content": "Say hello"})
    caller = context().caller()
    assert models.asked == [ModelRequest("fast", messages, 0, 9, (".",), 4, timeout_seconds=7.0, options={"o": 1}, caller=caller)]
    assert said == ["bug"]


async def test_llm_sends_messages_as_they_are_computed() -> None:
    models = OneModel()
    await awaited(node("llm", model="fast", messages=[{"role": "user", "content": "${state.text}!"}]), workshop(models))
    assert models.asked[0].messages == ({"role": "user", "content": "hello!"},)


@pytest.mark.parametrize("messages", ["${state.text}", [], ["hello"], [{"content": "no role"}]])
async def test_llm_refuses_messages_that_are_none(messages: Json) -> None:
    with pytest.raises(NodeExecutionError, match="list of objects") as refused:
        await awaited(node("llm", model="fast", messages=messages), workshop())
    assert refused.value.code == "invalid_messages"


LABEL: Json = {"type": "object", "properties": {"label": {"enum": ["bug", "other"]}}, "required": ["label"]}


@pytest.mark.parametrize("answer", ['{"label": "bug"}', '```json\n{"label": "bug"}\n```', '  {"label": "bug"}\n'])
async def test_llm_gives_the_json_that_was_asked_for(answer: str) -> None:
    models = OneModel(answer)
    finished = await awaited(node("llm", model="fast", prompt="?", response_schema=LABEL), workshop(models))
    assert isinstance(finished.output, dict)
    assert finished.output["json"] == {"label": "bug"}
    assert models.asked[0].response_schema == LABEL


@pytest.mark.parametrize("answer", ["bug", '{"label": "billing"}', '{"label": NaN}', "[" * 5000, ""])
async def test_llm_fails_with_invalid_output_and_keeps_what_the_call_used(answer: str) -> None:
    with pytest.raises(NodeExecutionError, match="the model's answer") as refused:
        await awaited(node("llm", model="fast", prompt="?", response_schema=LABEL, repair={"attempts": 0}), workshop(OneModel(answer)))
    assert refused.value.code == "invalid_output"
    assert refused.value.retryable
    assert vars(refused.value)["usage"] == USED


async def test_tool_calls_with_its_key_and_gives_what_came_back() -> None:
    tools = OneTool(ToolExecutionResult({"hits": 2}, token_usage=USED))
    finished = await awaited(
        node("tool", tool="search", arguments={"query": "${state.text}", "limit": "${state.x}"}), workshop(tools=tools)
    )
    assert finished == Finished({"hits": 2}, USED)
    ((name, arguments, told),) = tools.called
    assert (name, arguments) == ("search", {"query": "hello", "limit": 2})
    assert told == ToolContext(DEFAULT_TENANT, "r/n#1/0", RunId("r"), "/n#1", 7.0, effects=Effects.IDEMPOTENT, capture=Capture.OFF)


def test_tool_says_whether_it_changes_the_world() -> None:
    assert built(node("tool", tool="search", arguments={"query": "a"})).effects
    assert not built(node("llm", model="fast", prompt="a")).effects


async def test_tool_fails_with_the_code_of_its_failure() -> None:
    failed = ToolExecutionResult(error=Failure("busy", "come back", retryable=True, retry_after=3.0), token_usage=USED)
    with pytest.raises(ToolError, match="come back") as refused:
        await awaited(node("tool", tool="search", arguments={"query": "a"}), workshop(tools=OneTool(failed)))
    assert (refused.value.code, refused.value.retryable, refused.value.retry_after) == ("busy", True, 3.0)
    assert vars(refused.value)["usage"] == USED


async def test_tool_refuses_arguments_that_are_no_object() -> None:
    with pytest.raises(NodeExecutionError, match="must give an object"):
        await awaited(node("tool", tool="search", arguments="${state.list}"), workshop())


def test_map_opens_a_frame_for_each_item() -> None:
    assert computed(node("map", over="${state.list}", workflow="w")) == OpenFrames(
        inputs=[{"item": 1}, {"a": 2}], workflow="w", items=[1, {"a": 2}], concurrency=100, is_map=True
    )


def test_map_computes_the_input_of_each_item() -> None:
    one = node(
        "map",
        over=[5, 6],
        graph={"nodes": {}},
        input={"v": "${item + state.x}", "n": "${index}"},
        concurrency=2,
        on_item_error="collect",
        enough=1,
    )
    assert computed(one) == OpenFrames(
        inputs=[{"v": 7, "n": 0}, {"v": 8, "n": 1}], items=[5, 6], concurrency=2, collect_errors=True, enough=1, is_map=True
    )


@pytest.mark.parametrize(
    ("one", "code"),
    [
        pytest.param(node("map", over="${state.x}", workflow="w"), "not_a_list", id="map over a number"),
        pytest.param(node("map", over=[1], workflow="w", input="${item}"), "invalid_input", id="map with an input that is no object"),
        pytest.param(node("workflow", workflow="w", input="${state.x}"), "invalid_input", id="workflow with an input that is no object"),
        pytest.param(node("wait", seconds="${0 - state.x}"), "invalid_seconds", id="a negative wait"),
        pytest.param(node("wait", seconds="${state.x * 1000000000000}"), "invalid_seconds", id="a wait for ages"),
        pytest.param(node("wait", seconds="${state.text}"), "invalid_seconds", id="a wait for a text"),
        pytest.param(node("wait", seconds="${state.x > 1}"), "invalid_seconds", id="a wait for yes"),
        pytest.param(node("wait", seconds="${state.nothing}"), "expression_error", id="a wait for what is not there"),
        pytest.param(node("wait", until="${state.text}"), "invalid_until", id="a wait until a text"),
        pytest.param(node("wait", until=253_402_300_799), "invalid_until", id="a wait until the end of dates"),
        pytest.param(node("wait", first=[{"signal": "s"}, {"seconds": "${state.text}"}]), "invalid_seconds", id="a text in a first"),
    ],
)
def test_a_value_that_is_not_what_the_node_needs_fails_it(one: Node, code: str) -> None:
    with pytest.raises((NodeExecutionError, ExpressionError)) as refused:
        computed(one)
    assert refused.value.code == code


def test_workflow_opens_one_frame() -> None:
    assert computed(node("workflow", workflow="self", input={"n": "${state.x}"})) == OpenFrames(inputs=[{"n": 2}], workflow="self")
    assert computed(node("workflow", workflow="w@1.0.0")) == OpenFrames(inputs=[{}], workflow="w@1.0.0")


@pytest.mark.parametrize(("seconds", "until"), [(3, 1003.0), (0.5, 1000.5), ("${state.x}", 1002.0), (0, 1000.0)])
def test_wait_parks_until_its_time(seconds: Json, until: float) -> None:
    assert computed(node("wait", seconds=seconds)) == Park("timer", until, {"woke_by": "timer", "payload": None})


TIMED_OUT = {"woke_by": "timer", "payload": None}


@pytest.mark.parametrize(
    ("config", "park"),
    [
        pytest.param({"until": 1500}, Park("timer", 1500.0, TIMED_OUT), id="until seconds since 1970"),
        pytest.param({"until": "1970-01-01T01:30:00+01:00"}, Park("timer", 1800.0, TIMED_OUT), id="until a time with its zone"),
        pytest.param({"until": "1970-01-01T00:00:00Z"}, Park("timer", 0.0, TIMED_OUT), id="until a time that has passed"),
        pytest.param({"until": "${state.x + 1000}"}, Park("timer", 1002.0, TIMED_OUT), id="until what an expression gives"),
        pytest.param({"signal": "go"}, Park("signal", None, None, ("go",)), id="for a signal"),
        pytest.param(
            {"first": [{"signal": "a"}, {"seconds": 9}, {"signal": "b"}, {"until": 1005}, {"signal": "a"}]},
            Park("signal", 1005.0, TIMED_OUT, ("a", "b")),
            id="for the first of several",
        ),
        pytest.param({"first": [{"seconds": 9}, {"until": 1005}]}, Park("timer", 1005.0, TIMED_OUT), id="for the first of several times"),
    ],
)
def test_wait_parks(config: JsonObject, park: Park) -> None:
    assert computed(node("wait", **config)) == park


def test_terminate_ends_its_frame() -> None:
    assert computed(node("terminate", output={"x": "${state.x}"})) == EndFrame(True, {"x": 2})
    assert computed(node("terminate", status="failed")) == EndFrame(False, None)


def test_terminate_runs_for_any_token_by_default() -> None:
    joins = {name: kind.default_join and kind.default_join.kind for name, kind in KINDS.items()}
    assert joins == {**dict.fromkeys(KINDS), "terminate": JoinKind.ANY}


def a_package(folder: Path, name: str, kind: str, module: str, text: str) -> None:
    """A distribution as pip leaves it: a module and the folder that lists its entry points."""
    (folder / f"{module}.py").write_text(text)
    listed = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    listed.mkdir()
    (listed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (listed / "entry_points.txt").write_text(f"[weft.nodes]\n{kind} = {module}:kind\n")


SHOUT = """
from domain.ports.nodes import Executor, Finished, Inspection


class Shout:
    name = "shout"
    default_join = None
    schema = {"type": "object", "properties": {"word": {"type": "string"}}, "additionalProperties": False}

    def inspect(self, node, workshop):
        return Inspection()

    def build(self, node, workshop):
        return Executor(lambda context: Finished(node.config["word"].upper()), waits=False)


kind = Shout()
"""


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path, for packages of others."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_kind_of_another_package_is_found_and_runs(elsewhere: Path) -> None:
    a_package(elsewhere, "weft-shout", "shout", "shouting_kind", SHOUT)
    kind = InstalledNodeKinds().get("shout")
    assert kind.build(node("shout", word="hey"), workshop()).run(context()) == Finished("HEY")


def test_a_kind_is_loaded_when_it_is_first_asked_for(elsewhere: Path) -> None:
    a_package(elsewhere, "weft-lazy", "lazy", "lazy_kind", SHOUT.replace('"shout"', '"lazy"'))
    kinds = InstalledNodeKinds()
    assert "lazy" in kinds.points
    assert "lazy_kind" not in sys.modules
    assert kinds.get("lazy") is kinds.get("lazy")
    assert "lazy_kind" in sys.modules


def test_our_own_kinds_are_installed_the_same_way() -> None:
    assert set(InstalledNodeKinds().all()) >= set(KINDS)


def test_an_unknown_kind_names_the_known_ones(elsewhere: Path) -> None:
    a_package(elsewhere, "weft-known", "known_one", "known_kind", SHOUT)
    with pytest.raises(FactoryError, match=r"no node kind `whisper`; there are .*known_one"):
        InstalledNodeKinds().get("whisper")


@pytest.mark.parametrize(
    ("text", "because"),
    [
        pytest.param("raise RuntimeError('broken')", "cannot be loaded: broken", id="a module that does not import"),
        pytest.param("kind = object()", "has no name, schema, default_join, inspect, build", id="an object of another shape"),
        pytest.param(SHOUT.replace('"shout"', '"other"'), "calls itself `other`", id="another name"),
    ],
)
def test_a_kind_that_is_none_is_refused_with_its_module(elsewhere: Path, text: str, because: str, request: pytest.FixtureRequest) -> None:
    module = f"bad_kind_{abs(hash(request.node.name))}"
    a_package(elsewhere, "weft-bad", "shout", module, text)
    with pytest.raises(FactoryError, match=because) as refused:
        InstalledNodeKinds().get("shout")
    assert module in refused.value.message


def test_two_packages_with_one_kind_are_refused(elsewhere: Path) -> None:
    a_package(elsewhere, "weft-one", "shout", "one_kind", SHOUT)
    a_package(elsewhere, "weft-two", "shout", "two_kind", SHOUT)
    with pytest.raises(FactoryError, match="two packages bring the node kind `shout`"):
        InstalledNodeKinds().get("shout")


def test_a_kind_with_a_bad_schema_cannot_be_built() -> None:
    with pytest.raises(ValidationError, match="no usable JSON Schema"):
        KINDS["llm"].build(node("llm", model="fast", prompt="a", response_schema={"type": "x"}), workshop())


def turns(count: int, text: str = "0123456789012345") -> Json:
    """Each costs 8 tokens."""
    return [{"role": "user", "content": text, "id": str(number), "pinned": number == 0} for number in range(count)]


async def test_llm_with_a_context_gives_the_model_the_newest_messages() -> None:
    models = OneModel()
    one = node("llm", model="fast", system="Be", messages=turns(1_000), context={"max_tokens": 30})
    finished = await awaited(one, workshop(models))
    assert isinstance(finished.output, dict)
    assert finished.output["context"] == {"tokens": 29, "left_out": 997, "summarised": False}
    assert finished.output["summary"] is None
    told = {"role": "user", "content": "0123456789012345"}
    assert models.asked[0].messages == ({"role": "system", "content": "Be"}, told, told, told)


async def test_llm_fails_when_what_must_stay_is_too_long() -> None:
    with pytest.raises(NodeExecutionError, match="leaves room for 5") as refused:
        await awaited(node("llm", model="fast", messages=turns(3), context={"max_tokens": 5}), workshop())
    assert refused.value.code == "context_too_long"


async def test_llm_that_has_no_room_left_beside_its_summary_says_so() -> None:
    small: Json = {"max_tokens": 25, "policy": "summarise", "summary_tokens": 20}
    with pytest.raises(NodeExecutionError, match="leaves room for 5 beside a summary of 20") as refused:
        await awaited(node("llm", model="fast", messages=turns(9), context=small), workshop())
    assert refused.value.code == "context_too_long"


async def test_llm_that_sums_up_asks_once_and_says_so() -> None:
    models = OneModel("they met")
    context_of: Json = {"max_tokens": 100, "policy": "summarise", "summary_tokens": 20}
    finished = await awaited(node("llm", model="fast", messages=turns(20), context=context_of), workshop(models))
    assert isinstance(finished.output, dict)
    summary = finished.output["summary"]
    assert isinstance(summary, dict)
    assert summary["covers"] == 14
    assert finished.output["context"] == {"tokens": 70, "left_out": 13, "summarised": True}
    assert finished.usage is not None
    assert finished.usage.total_tokens == 2 * USED.total_tokens
    assert len(models.asked) == 2
    assert models.asked[0].max_tokens == 20
    assert models.asked[1].messages[0]["content"] == "What was said before, in short: they met"

    models.asked.clear()
    messages = [*cast("list[Json]", turns(20)), summary]
    again = await awaited(node("llm", model="fast", messages=messages, context=context_of), workshop(models))
    assert len(models.asked) == 1
    assert isinstance(again.output, dict)
    assert again.output["summary"] is None


async def test_llm_pays_for_a_summary_also_when_the_answer_is_refused() -> None:
    models = OneModel("no JSON")
    context_of: Json = {"max_tokens": 100, "policy": "summarise", "summary_tokens": 20}
    one = node("llm", model="fast", messages=turns(20), response_schema=LABEL, context=context_of, repair={"attempts": 0})
    with pytest.raises(NodeExecutionError, match="not JSON") as refused:
        await awaited(one, workshop(models))
    assert cast(Usage, refused.value.__dict__["usage"]).total_tokens == 2 * USED.total_tokens


CONVERSATION: Json = {"max_tokens": 100, "policy": "summarise", "summary_tokens": 20}


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"prompt": "Which one?"}, id="a prompt"),
        pytest.param({"system": "Be", "messages": turns(1_000), "context": {"max_tokens": 30}}, id="what is left of a conversation"),
        pytest.param({"messages": turns(3), "context": CONVERSATION}, id="a conversation that needs no summary"),
        pytest.param({"messages": turns(20), "context": CONVERSATION}, id="a summary and the answer"),
    ],
)
async def test_llm_reserves_for_exactly_the_calls_that_it_makes(more: dict[str, Json]) -> None:
    models = OneModel("summed up " * 8)
    one = node("llm", model="fast", max_tokens=50, **more)
    executor = KINDS["llm"].build(one, workshop(models))
    assert executor.reserve is not None
    reserved = executor.reserve(context())
    await awaited(one, workshop(models))

    made = sum(tokens_asked(request) for request in models.asked)
    assert len(models.foretold) == len(models.asked)
    assert models.asked[0] == models.foretold[0]
    assert reserved.estimated
    assert reserved.prompt_tokens == made
    assert reserved.completion_tokens == sum(request.max_tokens or 0 for request in models.asked)


def test_llm_that_cannot_call_reserves_nothing() -> None:
    executor = KINDS["llm"].build(node("llm", model="fast", messages=turns(3), context={"max_tokens": 5}), workshop())
    assert executor.reserve is not None
    with pytest.raises(NodeExecutionError, match="leaves room for 5"):
        executor.reserve(context())


async def test_a_conversation_of_a_million_tokens_stays_under_what_a_model_takes() -> None:
    models = OneModel()
    messages = turns(20_000, "0123456789" * 19 + "ab")
    one = node("llm", model="fast", messages=messages, context={"max_tokens": 8_000})
    finished = await awaited(one, workshop(models))
    assert isinstance(finished.output, dict)
    assert finished.output["context"] == {"tokens": 7_956, "left_out": 19_847, "summarised": False}
    assert len(models.asked[0].messages) == 153
