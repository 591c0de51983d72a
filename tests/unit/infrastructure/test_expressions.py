"""Expressions: what they give, what they read, and that none of them can run long or end the process."""

import json
import threading
from contextlib import suppress
from time import thread_time

import cel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import ExpressionError
from domain.json import Json
from infrastructure.expressions import CelExpressions

EXPRESSIONS = CelExpressions()
SCOPE: dict[str, Json] = {
    "state": {
        "ticket": "It is broken",
        "x": 1,
        "half": 0.5,
        "none": None,
        "yes": True,
        "list": [1, 2, 3],
        "deep": {"a": {"b": 7}},
        "big": 2**70,
    },
    "input": {"n": 3},
    "output": {"text": "bug"},
    "item": {"size": 2},
    "index": 4,
}


def evaluated(written: Json) -> Json:
    return EXPRESSIONS.value(written)(SCOPE)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("${state.x}", 1, id="a path gives the value itself"),
        pytest.param("${ state.x }", 1, id="spaces inside the braces do not matter"),
        pytest.param("${state.none}", None, id="null is a value"),
        pytest.param("${state.list}", [1, 2, 3], id="a list stays a list"),
        pytest.param("${input}", {"n": 3}, id="a root alone is the whole of it"),
        pytest.param("${state.deep.a.b}", 7, id="a path goes deep"),
        pytest.param("${state.deep['a'].b + 1}", 8, id="a member may stand in brackets"),
        pytest.param("${state.list[1]}", 2, id="an element has a number"),
        pytest.param("${state.x + 1}", 2, id="arithmetic is typed"),
        pytest.param("${double(state.x) + state.half}", 1.5, id="numbers are converted by name"),
        pytest.param("${state.x + input.n}", 4, id="several roots"),
        pytest.param("${index}", 4, id="a root may be a number"),
        pytest.param("x is ${state.x}!", "x is 1!", id="inside a text it is text"),
        pytest.param("${state.x}${state.x}", "11", id="two holes make a text"),
        pytest.param("${state.yes} ${state.none} ${state.list}", "true null [1, 2, 3]", id="words and lists are JSON inside a text"),
        pytest.param("a ${'}' + \"{\"} b", "a }{ b", id="braces in strings close nothing"),
        pytest.param("${{'a': {'b': 1}}.a.b}", 1, id="braces of an object are matched"),
        pytest.param("no hole", "no hole", id="a text without a hole is literal"),
        pytest.param("$state", "$state", id="a dollar alone is literal"),
        pytest.param({"q": "${state.ticket}", "k": [1, "${state.x}"]}, {"q": "It is broken", "k": [1, 1]}, id="values go deep into JSON"),
        pytest.param([1, {"a": None}], [1, {"a": None}], id="JSON without a hole is literal"),
        pytest.param("${has(state.nothing)}", False, id="has asks whether a field is there"),
        pytest.param("${false && state.nothing}", False, id="a branch not taken may be missing"),
        pytest.param("${state.list.filter(v, v > 1)}", [2, 3], id="filter"),
        pytest.param("${state.list.map(v, v * 2)}", [2, 4, 6], id="map"),
        pytest.param("${state.list.map(v, v > 1, v * 2)}", [4, 6], id="map with a condition"),
        pytest.param("${state.list.all(v, v > 0)}", True, id="all"),
        pytest.param("${state.list.exists(v, v > 2)}", True, id="exists"),
        pytest.param("${state.list.exists_one(v, v > 1)}", False, id="exists_one"),
        pytest.param("${size(state.list.filter(v, v > 1).map(w, w + state.x)) + 1}", 3, id="macros in a row"),
        pytest.param("${state.deep.map(k, k)}", ["a"], id="a macro over an object sees its keys"),
        pytest.param("${[1, 2].map(v, {'v': v})}", [{"v": 1}, {"v": 2}], id="a macro over a list as written"),
        pytest.param("${false && [1].all(v, v / 0 > 1)}", False, id="a macro that fails in a branch not taken"),
        pytest.param(r"${state.ticket.matches('^It\\s.*n$')}", True, id="a pattern"),
    ],
)
def test_a_value_gives(written: Json, expected: Json) -> None:
    assert evaluated(written) == expected
    assert type(evaluated(written)) is type(expected)


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        pytest.param("${state.x + 1}", {("state", "x")}, id="a field"),
        pytest.param("${state.deep.a.b}", {("state", "deep", "a", "b")}, id="a whole path"),
        pytest.param(
            "${state['ticket'] + state.deep['a']['b']}", {("state", "ticket"), ("state", "deep", "a", "b")}, id="strings in brackets"
        ),
        pytest.param("${state.list[0].y}", {("state", "list")}, id="an index ends it"),
        pytest.param("${state[input.n]}", {("state",), ("input", "n")}, id="a computed name takes the whole"),
        pytest.param(
            "${state.list.filter(v, v.a > input.n)}", {("state", "list"), ("input", "n")}, id="the variable of a macro is not read"
        ),
        pytest.param("${state.ticket.size() > 1}", {("state", "ticket")}, id="a method is not a field"),
        pytest.param("${'state.y' + \"${state.z}\"}", set(), id="what stands in a string is not read"),
        pytest.param("${has(state.y) ? state.y : 0}", {("state", "y")}, id="has reads"),
        pytest.param("a ${state.x} b ${item.size}", {("state", "x"), ("item", "size")}, id="all holes of a text"),
        pytest.param("// state.y", set(), id="a text"),
        pytest.param("${state.x // state.y\n}", {("state", "x")}, id="a comment is not read"),
    ],
)
def test_what_it_reads_is_known(source: str, paths: set[tuple[str, ...]]) -> None:
    assert EXPRESSIONS.value(source).paths == paths


def test_a_nested_value_knows_everything_it_reads() -> None:
    assert EXPRESSIONS.value({"a": ["${state.x}", {"b": "${input.n + 1}"}]}).paths == {("state", "x"), ("input", "n")}


@pytest.mark.parametrize(
    ("source", "because"),
    [
        pytest.param("${state.nothing}", "no field `nothing`", id="a missing field of a path"),
        pytest.param("${state.nothing + 1}", "no field `nothing`", id="a missing field of an expression"),
        pytest.param("${state.deep.z + 1}", "no field `z`", id="a missing field deeper down"),
        pytest.param("${state.x.y}", "`state.x` is not an object", id="a field of a number"),
        pytest.param("${error.code}", "`error` is not known here", id="a root that is not there"),
        pytest.param("${state.x + 1.0}", "types do not fit", id="whole and broken numbers do not mix"),
        pytest.param("${state.x / 0}", "division by zero", id="division by zero"),
        pytest.param("${state.x + 9223372036854775807}", "overflow", id="overflow"),
        pytest.param("${state.big + 1}", "more than 64 bits", id="a number CEL cannot hold"),
        pytest.param("${1.0 / 0.0}", "JSON cannot hold", id="infinity"),
        pytest.param("${timestamp('2020-01-01T00:00:00Z')}", "is not JSON", id="a time"),
        pytest.param("${b'abc'}", "is not JSON", id="bytes"),
        pytest.param("${{1: 2}}", "not a string", id="a key that is a number"),
        pytest.param("${state.list[9]}", "out of bounds", id="an element that is not there"),
        pytest.param("${state.list.all(v, 1 / (v - 1) > 0)}", "division by zero", id="an error inside a macro"),
        pytest.param("${state.list.filter(v, v)}", "true or false", id="a filter that is no condition"),
        pytest.param("${state.x.map(v, v)}", "a list or an object", id="a macro over a number"),
        pytest.param("${string(state.yes)}", "does not take these arguments", id="a function with the wrong arguments"),
    ],
)
def test_what_goes_wrong_names_the_expression(source: str, because: str) -> None:
    value = EXPRESSIONS.value(source)
    with pytest.raises(ExpressionError) as refused:
        value(SCOPE)
    assert source in refused.value.message
    assert because in refused.value.message


@pytest.mark.parametrize(
    ("source", "because"),
    [
        pytest.param("${}", "is empty", id="nothing"),
        pytest.param("${state.x", "never closed", id="an open brace"),
        pytest.param("${state.x +}", "Failed to parse", id="half an expression"),
        pytest.param("${stat.x}", "`stat` is not known", id="an unknown root"),
        pytest.param("${state.list.map(v, v) + v}", "`v` is not known", id="a variable outside its macro"),
        pytest.param("${open('/etc/passwd')}", "no function `open`", id="a function of the host"),
        pytest.param("${state.ticket.upper()}", "no function `upper`", id="a method of the host"),
        pytest.param("${state.list.map(v, state.list.map(w, v + w))}", "not nested", id="a macro inside a macro"),
        pytest.param("${state.list.filter(state, true)}", "must be a new name", id="a variable named like a root"),
        pytest.param("${state.list.map(v)}", "takes a name", id="a macro with one argument"),
        pytest.param("${weft_0}", "are ours", id="a name of ours"),
        pytest.param("${Thing{a: 1}}", "no message types", id="a message"),
        pytest.param("${'a'.matches(state.ticket)}", "must be written as a string", id="a pattern from data"),
        pytest.param("${'a'.matches('(')}", "not a valid regex", id="a pattern that is none"),
        pytest.param("${" + "1 + " * 1100 + "1}", "at most 4096 bytes", id="too long"),
        pytest.param("${" + "1+" * 900 + "1}", "at most 800 words", id="too many words"),
        pytest.param("${" + "(" * 40 + "1" + ")" * 40 + "}", "nested at most 32", id="brackets too deep"),
    ],
)
def test_what_is_not_allowed_is_refused_when_it_is_compiled(source: str, because: str) -> None:
    with pytest.raises(ExpressionError, match=r"^`") as refused:
        EXPRESSIONS.value(source)
    assert because in refused.value.message


def test_a_condition_is_bare_cel() -> None:
    assert EXPRESSIONS.condition("state.x == 1 && output.text == 'bug'")(SCOPE) is True
    assert EXPRESSIONS.condition("state.x > 1")(SCOPE) is False


@pytest.mark.parametrize("source", ["state.x", "state.ticket", "state.none", "state.nothing", "state.nothing == 1"])
def test_a_condition_that_is_neither_true_nor_false_is_an_error(source: str) -> None:
    with pytest.raises(ExpressionError, match=source):
        EXPRESSIONS.condition(source)(SCOPE)


def test_values_nested_deeper_than_64_are_refused() -> None:
    written: Json = "${state.x}"
    for _ in range(65):
        written = [written]
    with pytest.raises(ExpressionError, match="nested deeper"):
        EXPRESSIONS.value(written)


def nested(depth: int) -> Json:
    value: Json = 1
    for _ in range(depth):
        value = [value]
    return value


def shared(depth: int) -> Json:
    """A small object in memory that has 2 to the power of `depth` elements written out."""
    value: Json = [1]
    for _ in range(depth):
        value = [value, value]
    return value


HOSTILE: dict[str, Json] = {
    "ones": [1] * 1000,
    "many": [1] * 1001,
    "huge": list(range(500_000)),
    "text": "a" * 100_000,
    "book": "a" * 30_000_000,
    "mixed": "ab" * 50_000,
    "notes": [{"role": "user", "text": "x" * 1000, "tags": ["a"] * 10}] * 1000,
    "deep": nested(100_000),
    "shared": shared(40),
}


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("${state.many.map(v, v)}", id="a macro over more than 1,000"),
        pytest.param("${state.huge.filter(v, v > 1)}", id="a macro over very many"),
        pytest.param("${size(state.huge)}", id="a list too big to hand over"),
        pytest.param("${size(state.book)}", id="a text too big to hand over"),
        pytest.param("${size(state.deep)}", id="a list that would overflow the stack"),
        pytest.param("${size(state.shared)}", id="a list that unfolds without end"),
        pytest.param("${" + " + ".join(["state.text"] * 200) + "}", id="a text added to itself over and over"),
        pytest.param("${" + " + ".join(["state.ones"] * 200) + "}", id="a list added to itself over and over"),
        pytest.param("${state.ones.map(v, state.text + state.text)}", id="a macro that copies a text each time"),
        pytest.param("${state.ones.map(v, state.notes)}", id="a macro that copies a list each time"),
        pytest.param("${state.ones.filter(v, v in state.notes)}", id="a search in a search"),
        pytest.param("${state.ones.all(v, state.notes == state.notes)}", id="a big comparison at every step"),
        pytest.param("${" + " && ".join(["state.notes == state.notes"] * 90) + "}", id="many big comparisons"),
        pytest.param(r"${state.ones.all(v, 'a'.matches('\\w{20}') || true)}", id="a costly pattern at every step"),
        pytest.param(r"${'a'.matches('\\w{300}')}", id="a pattern that is costly to compile"),
        pytest.param(r"${'a'.matches('\x5cw{300}')}", id="the same behind an escape"),
        pytest.param(r"${'a'.matches('(?P<n>\\w{9}){100}')}", id="a costly group with a name"),
        pytest.param(r"${'a'.matches('(?x)\\w {300}')}", id="a repetition that stands apart"),
        pytest.param(r"${'a'.matches('[[a-z]\\w]{300}')}", id="a class in a class"),
        pytest.param(r"${'a'.matches('\\pL{300}')}", id="a class of letters"),
        pytest.param(r"${'a'.matches('((a{90}){90}){90}')}", id="repetitions of repetitions"),
        pytest.param("${" + " || ".join([r"'a'.matches('\\w{60}')"] * 20) + "}", id="many patterns"),
        pytest.param("${state.mixed.matches('[ab]*a[ab]{200}c')}", id="a wide automaton over a long text"),
        pytest.param("${" + " && ".join(["state.ones.all(v, v in state.ones)"] * 15) + "}", id="many macros side by side"),
        pytest.param("${[1,2].map(v, state.shared)}", id="a result that unfolds without end"),
    ],
)
def test_an_expression_built_to_run_forever_is_refused_or_stopped_within_100_ms(source: str) -> None:
    before = thread_time()
    with pytest.raises(ExpressionError):
        EXPRESSIONS.value(source)({"state": HOSTILE})
    assert thread_time() - before < 0.1


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("${size(state.notes.filter(v, v.role == 'user').map(w, w.text))}", id="a thousand messages filtered and mapped"),
        pytest.param("${state.text.matches('^a+$')}", id="a pattern over a long text"),
        pytest.param("${size(state.text + state.text)}", id="two long texts joined"),
    ],
)
def test_ordinary_work_on_a_lot_of_data_goes_through_in_time(source: str) -> None:
    value = EXPRESSIONS.value(source)
    before = thread_time()
    assert value({"state": HOSTILE})
    assert thread_time() - before < 0.1


def test_a_path_hands_on_what_is_too_big_for_an_expression() -> None:
    assert EXPRESSIONS.value("${state.huge}")({"state": HOSTILE}) is HOSTILE["huge"]


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("${state.shared}", id="handed on"),
        pytest.param(["${state.huge}", "${state.huge}", "${state.huge}"], id="put into a list"),
        pytest.param({"a": "${state.huge}", "b": {"c": ["${state.huge}", "${state.huge}"]}}, id="put into an object"),
        pytest.param("${state.book} ${state.book} ${state.book}", id="put into a text"),
    ],
)
def test_a_value_that_outgrows_every_bound_is_refused(written: Json) -> None:
    with pytest.raises(ExpressionError, match="too big"):
        EXPRESSIONS.value(written)({"state": HOSTILE})


@pytest.mark.parametrize(
    "shape", ["(", "[", "-", "!", "{1:", "size(", "[0][", "true?", "'a'.size(", "state.x[", "state.list.map(v,", "${", '"']
)
@pytest.mark.parametrize("times", [10, 31, 33, 300, 1000])
def test_no_nesting_ends_the_process_even_on_a_small_stack(shape: str, times: int) -> None:
    outcome: list[object] = []

    def compile_it() -> None:
        try:
            outcome.append(EXPRESSIONS.condition(shape * times))
        except ExpressionError as error:
            outcome.append(error)

    usual = threading.stack_size(1024 * 1024)
    try:
        thread = threading.Thread(target=compile_it)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(usual)
    assert len(outcome) == 1


SIGNS = [*list(".()[]{}+-!?:, "), "==", "&&", "||", "'a'", "1", "0", "1.5", "null", "true"]
NAMES = ["state", "state.list", "state.x", "input.n", "x", "list", "v", "in", "map", "all", "size(", "has(", "matches("]
MACROS = [".map(v, v)", ".all(v, v > 0)", ".filter(v, "]
WORDS = st.sampled_from([*SIGNS, *NAMES, *MACROS])


@settings(max_examples=400, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=25).map("".join))
def test_whatever_is_written_gives_json_or_an_expression_error(source: str) -> None:
    with suppress(ExpressionError):
        assert json.dumps(EXPRESSIONS.value("${" + source + "}")(SCOPE), allow_nan=False)


NUMBERS = st.lists(st.integers(-3, 3), max_size=6)
BODIES = st.sampled_from(["v > 0", "1 / v > 0", "v in [1, 2]", "v == state.k", "v % 2 == 0 && v / v == 1", "has(state.k) || v > 1"])
SHAPES = [
    "L.all(v, B)",
    "L.exists(v, B)",
    "L.exists_one(v, B)",
    "L.filter(v, B)",
    "L.map(v, B)",
    "L.map(v, B, v * 2)",
    "size(L.filter(v, B)) > 1",
]
AROUND = ["M", "false && (M) == (M)", "true || (M) == (M)", "[M]", "(M) == (M)", "L.size() > 2 ? [M] : []"]


@settings(max_examples=300, deadline=None)
@given(NUMBERS, BODIES, st.sampled_from(SHAPES), st.sampled_from(AROUND))
def test_macros_give_what_the_library_gives(numbers: list[int], body: str, shape: str, around: str) -> None:
    source = around.replace("M", shape.replace("B", body)).replace("L", "state.list")
    scope: dict[str, Json] = {"state": {"list": numbers, "k": 1}}
    try:
        expected: object = cel.compile(source).execute(scope)
    except Exception:
        with pytest.raises(ExpressionError):
            EXPRESSIONS.value("${" + source + "}")(scope)
    else:
        assert EXPRESSIONS.value("${" + source + "}")(scope) == expected
