"""Is a document a workflow? Everything at once, with pointers into what was posted."""

from collections.abc import Mapping
from typing import Any

import pytest

from application.validation import Validate, Validation, placed
from domain.errors import Problem, ValidationError
from infrastructure.canonical import content_hash
from interface.yaml import load_document
from tests.documents import TRIAGE, OurKinds, document, workshop


@pytest.fixture(scope="module")
def validate() -> Validate:
    return Validate(OurKinds(), workshop())


def found(problems: tuple[Problem, ...]) -> set[tuple[str, str]]:
    return {(problem.pointer, problem.code) for problem in problems}


def one(node: Mapping[str, Any], **others: Any) -> Any:
    return document({"a": node}, ["start > a"], **others)


def transform(written: Any) -> Any:
    return one({"kind": "transform", "writes": {"x": written}}, state={"x": {}})


def routed(when: str) -> Any:
    return document("a", ["start > a", {"from": "a", "route": [{"when": when, "to": "end"}], "otherwise": "end"}], state={"x": {}})


def mapped(**keys: Any) -> Any:
    inner = {"state": {"y": {}}, "nodes": {"i": {"kind": "transform", **keys}}, "edges": [{"from": "start", "to": "i"}]}
    return one({"kind": "map", "over": [], "graph": inner})


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param(one({"kind": "fly"}), {("/nodes/a/kind", "unknown_kind")}, id="an unknown kind"),
        pytest.param(mapped(kind="fly"), {("/nodes/a/graph/nodes/i/kind", "unknown_kind")}, id="an unknown kind inside a map"),
        pytest.param(one({"kind": "tool"}), {("/nodes/a", "schema_required")}, id="a key that its kind needs"),
        pytest.param(one({"kind": "wait"}), {("/nodes/a", "schema_oneOf")}, id="one of the keys that its kind needs"),
        pytest.param(
            one({"kind": "wait", "seconds": 1, "colour": 1}), {("/nodes/a/colour", "unknown_field")}, id="a key its kind does not know"
        ),
        pytest.param(one({"kind": "wait", "seconds": 1, "until": 1}), {("/nodes/a", "schema_oneOf")}, id="two keys of which it needs one"),
        pytest.param(
            one({"kind": "wait", "first": [{"signal": "a b"}]}), {("/nodes/a/first/0/signal", "schema_pattern")}, id="a bad name in a list"
        ),
        pytest.param(
            one({"kind": "wait", "first": [{"signal": "s"}, {"seconds": "${state.y}"}]}),
            {("/nodes/a/first/1/seconds", "unknown_channel")},
            id="an unknown channel in a list",
        ),
        pytest.param(
            one({"kind": "llm", "model": "fast", "prompt": "x", "tools": ["saw"]}),
            {("/nodes/a/tools/0", "unknown_tool")},
            id="tools of a model",
        ),
        pytest.param(one({"kind": "llm", "model": "slow", "prompt": "x"}), {("/nodes/a/model", "unknown_model")}, id="an unknown model"),
        pytest.param(one({"kind": "tool", "tool": "hammer"}), {("/nodes/a/tool", "unknown_tool")}, id="an unknown tool"),
        pytest.param(transform("${1 +}"), {("/nodes/a/writes/x", "expression_error")}, id="an expression that does not compile"),
        pytest.param(transform({"deep": ["${1 +}"]}), {("/nodes/a/writes/x/deep/0", "expression_error")}, id="deep in a value"),
        pytest.param(transform("${state.y}"), {("/nodes/a/writes/x", "unknown_channel")}, id="an unknown channel"),
        pytest.param(transform("${states.x}"), {("/nodes/a/writes/x", "expression_error")}, id="an unknown name"),
        pytest.param(transform("${output}"), set(), id="writes know the output"),
        pytest.param(transform("${error.code}"), {("/nodes/a/writes/x", "unknown_name")}, id="an error where none can be"),
        pytest.param(
            one({"kind": "wait", "seconds": "${output}"}), {("/nodes/a/seconds", "unknown_name")}, id="an output before there is one"
        ),
        pytest.param(
            one({"kind": "llm", "model": "fast", "prompt": "{{ state.y }}"}),
            {("/nodes/a/prompt", "unknown_channel")},
            id="a prompt with an unknown channel",
        ),
        pytest.param(
            one({"kind": "llm", "model": "fast", "prompt": "{{ x"}), {("/nodes/a/prompt", "expression_error")}, id="a broken prompt"
        ),
        pytest.param(routed("state.x =="), {("/edges/1/route/0/when", "expression_error")}, id="a rule that does not compile"),
        pytest.param(routed("state.z == 1"), {("/edges/1/route/0/when", "unknown_channel")}, id="a rule over an unknown channel"),
        pytest.param(document("a", ["start > a ? output == 1"]), {("/edges/0/when", "unknown_name")}, id="start has no output"),
        pytest.param(document("a", ["start > a", "a > end ? output == 1"]), set(), id="a node has one"),
        pytest.param(
            document("a", ["start > a", {"from": "a", "to": "${state.y}", "targets": ["end"]}]),
            {("/edges/1/to", "unknown_channel")},
            id="a dynamic target over an unknown channel",
        ),
        pytest.param(document("a b", ["start > a", "a ! b", "b > end ? error.code == 'x'"]), set(), id="an error behind an error edge"),
        pytest.param(document("a", state={"x": {"type": "strin"}}), {("/state/x/type", "bad_schema")}, id="a channel that is no schema"),
        pytest.param(
            document("a", state={"x": {"type": "string", "default": 1}}),
            {("/state/x/default", "schema_type")},
            id="a default against its schema",
        ),
        pytest.param(document("a", input={"type": 5}), {("/input/type", "bad_schema")}, id="an input that is no schema"),
        pytest.param(document("a", output={"r": "${state.y}"}), {("/output/r", "unknown_channel")}, id="an output over an unknown channel"),
        pytest.param(document("a", output={"r": "${output}"}), {("/output/r", "unknown_name")}, id="an output of the graph by itself"),
        pytest.param(mapped(writes={"y": "${item}"}), set(), id="inside a map there is an item"),
        pytest.param(
            mapped(writes={"y": "${state.x}"}),
            {("/nodes/a/graph/nodes/i/writes/y", "unknown_channel")},
            id="a map's graph has its own state",
        ),
        pytest.param(one({"kind": "map", "over": "${item}", "workflow": "w"}), set(), id="an item outside a map is only warned of"),
        pytest.param(
            one({"kind": "map", "over": [], "workflow": "w", "input": {"i": "${item + index}"}}), set(), id="the input of a map has an item"
        ),
    ],
)
def test_every_problem_has_its_pointer(validate: Validate, written: Any, expected: set[tuple[str, str]]) -> None:
    assert found(validate(written).problems) == expected


def test_a_good_document_has_nothing_to_say(validate: Validate) -> None:
    validation = validate(TRIAGE)

    assert (validation.problems, validation.warnings) == ((), ())
    assert validation.checked().id == "support-triage@1.2.0"


@pytest.mark.parametrize(
    ("written", "named"),
    [
        (one({"kind": "fly"}), ["fly", "llm", "terminate", "transform"]),
        (one({"kind": "llm", "model": "slow", "prompt": "x"}), ["slow", "fast"]),
        (one({"kind": "tool", "tool": "hammer"}), ["hammer", "lookup"]),
        (transform("${state.y}"), ["`y`", "x"]),
    ],
    ids=["a kind", "a model", "a tool", "a channel"],
)
def test_an_unknown_thing_is_named_with_the_known_ones(validate: Validate, written: Any, named: list[str]) -> None:
    (problem,) = validate(written).problems

    assert all(name in problem.message for name in named)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        pytest.param({"kind": "llm", "model": "fast"}, "`llm` needs exactly one of `prompt`, `messages`", id="neither"),
        pytest.param({"kind": "map", "over": [], "workflow": "w", "graph": {}}, "exactly one of `workflow`, `graph`", id="both"),
    ],
)
def test_a_choice_between_keys_is_said_in_words(validate: Validate, node: Any, words: str) -> None:
    assert any(problem.pointer == "/nodes/a" and words in problem.message for problem in validate(one(node)).problems)


def test_an_item_outside_a_map_is_warned_of(validate: Validate) -> None:
    assert found(validate(transform("${item}")).warnings) == {("/nodes/a/writes/x", "item_outside_map")}


BROKEN = b"""\
weft: 1
name: w
version: one
colour: red
state:
  label: {type: string, merge: add}
nodes:
  classify:
    kind: llm
    model: slow
    prompt: "{{ state.ticket }}"
    writes: {labels: "${output.text}"}
  look_up: {kind: tool, tool: hammer}
  lost: {kind: fly}
edges:
  - {from: start, to: classify}
  - {from: classify, to: nowhere, when: "state.label =="}
  - {from: classify, to: look_up}
"""


def test_ten_problems_of_all_sorts_are_said_at_once_with_line_and_column(validate: Validate) -> None:
    loaded = load_document(BROKEN, "application/yaml")
    validation = validate(loaded.document).located(loaded.locate)

    assert {(problem.pointer, problem.code, problem.line, problem.column) for problem in validation.problems} == {
        ("/version", "bad_version", 3, 1),
        ("/colour", "unknown_field", 4, 1),
        ("/state/label/merge", "merge_type", 6, 25),
        ("/nodes/classify/model", "unknown_model", 10, 5),
        ("/nodes/classify/prompt", "unknown_channel", 11, 5),
        ("/nodes/classify/writes/labels", "unknown_channel", 12, 14),
        ("/nodes/look_up/tool", "unknown_tool", 13, 25),
        ("/nodes/lost/kind", "unknown_kind", 14, 10),
        ("/edges/1/to", "dangling_edge", 17, 22),
        ("/edges/1/when", "expression_error", 17, 35),
    } | {("/nodes/lost", "unreachable", 14, 3)}


def test_a_document_that_is_not_valid_is_refused_with_all_problems(validate: Validate) -> None:
    with pytest.raises(ValidationError) as error:
        validate(load_document(BROKEN, "yaml").document).checked()

    assert len(error.value.problems) == 11


def test_the_first_thousand_are_those_that_stand_first_in_the_document(validate: Validate) -> None:
    strange = [f"k{number}" for number in range(3000)]
    said = [problem.pointer for problem in validate(dict.fromkeys(strange, 1)).problems if problem.code == "unknown_field"]
    assert said == [f"/{name}" for name in strange[: len(said)]]
    assert len(said) > 900


@pytest.mark.parametrize(
    "written", [{f"k{number}": 1 for number in range(1_500)}, document({f"n{n}": {"kind": "x"} for n in range(1_500)}, [])]
)
def test_of_a_document_with_countless_problems_the_first_thousand_are_said(validate: Validate, written: Any) -> None:
    problems = validate(written).problems

    assert len(problems) == 1_001
    assert (problems[-1].code, problems[-1].message.endswith("more: mend these first")) == ("and_more", True)


def test_what_follows_from_a_part_that_could_not_be_read_is_not_said(validate: Validate) -> None:
    written = document("a", [{"to": "a"}])

    assert found(validate(written).problems) == {("/edges/0", "missing_field")}


def test_problems_of_a_document_without_lines_have_none() -> None:
    assert list(placed([Problem("/x", "c", "m")], lambda pointer: None)) == [Problem("/x", "c", "m")]


def test_a_chain_of_20_000_nodes_is_validated(validate: Validate) -> None:
    """What took a square of their number would not end before the limit of this test."""
    names = [f"n{number}" for number in range(20_000)]
    nodes = {name: {"kind": "transform", "writes": {"x": "${state.x + 1}"}} for name in names}
    chain = document(
        nodes, [f"{one} > {other}" for one, other in zip(["start", *names], names, strict=False)], state={"x": {"type": "integer"}}
    )

    validation: Validation = validate(chain)
    assert validation.valid


@pytest.mark.parametrize(
    ("written", "at"),
    [
        pytest.param(transform("${secret.github}"), "/nodes/a/writes/x", id="in a value"),
        pytest.param(transform("token ${ secret.github }"), "/nodes/a/writes/x", id="inside a text"),
        pytest.param(transform({"deep": ["${'a' + secret.github}"]}), "/nodes/a/writes/x/deep/0", id="inside an expression"),
        pytest.param(one({"kind": "llm", "model": "fast", "prompt": "Use {{ secret.github }}"}), "/nodes/a/prompt", id="in a prompt"),
        pytest.param(
            one({"kind": "llm", "model": "fast", "prompt": "{% if secret.github %}a{% endif %}"}),
            "/nodes/a/prompt",
            id="in a condition of a prompt",
        ),
        pytest.param(one({"kind": "llm", "model": "fast", "prompt": "${secret.github}"}), "/nodes/a/prompt", id="in a prompt, as text"),
        pytest.param(routed("secret.github == 'x'"), "/edges/1/route/0/when", id="in a rule"),
        pytest.param(
            document("a", ["start > a"], state={"x": {"type": "string", "default": "${secret.github}"}}),
            "/state/x/default",
            id="in a default",
        ),
        pytest.param(document("a", ["start > a"], output={"y": "${secret.github}"}, state={"x": {}}), "/output/y", id="in the output"),
        pytest.param(
            one({"kind": "map", "over": [], "graph": {"nodes": {"i": {"kind": "transform"}}, "edges": [], "output": {"y": "${secret.a}"}}}),
            "/nodes/a/graph/output/y",
            id="in an inner graph",
        ),
    ],
)
def test_a_secret_in_a_graph_is_refused_with_where_it_belongs(validate: Validate, written: Any, at: str) -> None:
    problems = [problem for problem in validate(written).problems if problem.pointer == at]

    assert [problem.code in ("secret_in_graph", "expression_error") for problem in problems] == [True]
    assert "in the configuration of the tool or model that sends it" in problems[0].message


def test_words_about_secrets_are_no_secrets(validate: Validate) -> None:
    talked = document(
        "a", ["start > a"], state={"x": {"type": "string", "default": "the secret is ${x}"}}, description="needs ${secret.github}"
    )

    assert validate(talked).problems == ()


def calling(permissions: Any, tool: str = "lookup") -> Any:
    node = {"kind": "tool", "tool": tool}
    inner = {"nodes": {"i": node}, "edges": [{"from": "start", "to": "i"}]}
    said = {} if permissions is None else {"permissions": permissions}
    return document({"a": node, "m": {"kind": "map", "over": [], "graph": inner}}, ["start > a", "a > m"], **said)


@pytest.mark.parametrize("permissions", [None, ["lookup"], ["look*"], ["other", "l*"]])
def test_a_workflow_may_call_what_its_permissions_grant(validate: Validate, permissions: Any) -> None:
    assert validate(calling(permissions)).problems == ()


@pytest.mark.parametrize("permissions", [[], ["other"], ["lookup_all"], ["lookup_*"]])
def test_a_call_that_its_own_permissions_never_allow_is_a_problem_at_any_depth(validate: Validate, permissions: Any) -> None:
    expected = {("/nodes/a/tool", "not_permitted"), ("/nodes/m/graph/nodes/i/tool", "not_permitted")}

    assert found(validate(calling(permissions)).problems) == expected


def test_permissions_are_part_of_what_a_version_is() -> None:
    hashes = {content_hash(calling(permissions)) for permissions in (None, [], ["lookup"], ["look*"])}

    assert len(hashes) == 4
