"""The tools every installation has, called as a run calls them."""

from time import process_time
from typing import cast

import pytest

from domain.json import Json, JsonObject
from domain.tool import Tool
from infrastructure.tools.builtin import builtin_tools
from tests.unit.infrastructure.tool_calls import CONTEXT, HandClock, answer, call, refusal, tools_with

BUILTINS = [runnable.tool for runnable in builtin_tools(HandClock())]
EXAMPLES = [pytest.param(tool, example, id=f"{tool.name} {number}") for tool in BUILTINS for number, example in enumerate(tool.examples, 1)]


@pytest.mark.parametrize(("tool", "example"), EXAMPLES)
async def test_an_example_in_a_definition_is_what_the_tool_answers(tool: Tool, example: JsonObject) -> None:
    assert answer(await call(tool.name, **cast(JsonObject, example["arguments"]))) == example["output"]


def test_every_builtin_tool_shows_an_example_and_says_what_it_does() -> None:
    assert [tool.name for tool in BUILTINS] == ["calculator", "datetime", "json_query", "sleep", "text_search"]
    assert all(tool.examples and tool.metadata.description and tool.returns for tool in BUILTINS)


@pytest.mark.parametrize(
    ("expression", "result", "text"),
    [
        pytest.param("2*(3+4)", 14, "14", id="parentheses before products"),
        pytest.param("0.1+0.2", 0.3, "0.3", id="decimals are exact"),
        pytest.param("1/3*3", 1, "1", id="thirds are exact"),
        pytest.param("1/3", 1 / 3, "0." + "3" * 40, id="what does not end is rounded"),
        pytest.param("2**100", float(2**100), str(2**100), id="beyond 64 bits the text has all digits"),
        pytest.param("-7//2", -4, "-4", id="whole division goes down"),
        pytest.param("-7%3", 2, "2", id="a remainder has the divisor's sign"),
        pytest.param("2**-2", 0.25, "0.25", id="negative powers"),
        pytest.param("4**0.5", 2, "2", id="broken powers"),
        pytest.param("sqrt(1/4)", 0.5, "0.5", id="roots of squares are exact"),
        pytest.param("round(2.5)", 3, "3", id="half goes up"),
        pytest.param("round(-1.005, 2)", -1.01, "-1.01", id="half goes away from zero"),
        pytest.param("max(1, 5, 3) - min(4)", 1, "1", id="functions of any number of numbers"),
        pytest.param("1**999999999", 1, "1", id="a big exponent with a small power"),
        pytest.param(" 1 + 1 ", 2, "2", id="spaces around"),
    ],
)
async def test_the_calculator_works_out(expression: str, result: float, text: str) -> None:
    assert answer(await call("calculator", expression=expression)) == {"result": result, "text": text}


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        pytest.param("__import__('os').system('true')", "invalid_expression", id="an import"),
        pytest.param("().__class__", "invalid_expression", id="an attribute"),
        pytest.param("[x for x in (1, 2)]", "invalid_expression", id="a comprehension"),
        pytest.param("(lambda: 1)()", "invalid_expression", id="a function of one's own"),
        pytest.param("True + 1", "invalid_expression", id="a boolean"),
        pytest.param("'a' * 3", "invalid_expression", id="a text"),
        pytest.param("1j", "invalid_expression", id="an imaginary number"),
        pytest.param("2 ^ 3", "invalid_expression", id="a caret"),
        pytest.param("x + 1", "invalid_expression", id="a name nobody gave"),
        pytest.param("max()", "invalid_expression", id="a function of nothing"),
        pytest.param("1 +", "invalid_expression", id="half an expression"),
        pytest.param("-" * 499 + "1", "invalid_expression", id="too many signs"),
        pytest.param("(" * 249 + "1" + ")" * 249, "invalid_expression", id="too many parentheses"),
        pytest.param("9**9**9", "out_of_range", id="a tower of powers"),
        pytest.param("2**-99999999", "out_of_range", id="a tiny power"),
        pytest.param("1e999999999", "out_of_range", id="a billion digits"),
        pytest.param("1e-999999999", "out_of_range", id="a billion places"),
        pytest.param("*".join(["9" * 100] * 4), "out_of_range", id="a long product"),
        pytest.param("sqrt(-1)", "out_of_range", id="a root that is not real"),
        pytest.param("log(0)", "out_of_range", id="a logarithm of nothing"),
        pytest.param("exp(1000)", "out_of_range", id="beyond floats"),
        pytest.param("round(1, 1000)", "out_of_range", id="too many places"),
        pytest.param("1/0", "division_by_zero", id="division by zero"),
        pytest.param("0**-1", "division_by_zero", id="a negative power of zero"),
        pytest.param("1" * 501, "invalid_arguments", id="too long"),
        pytest.param("", "invalid_arguments", id="empty"),
    ],
)
async def test_the_calculator_refuses_at_once(expression: str, code: str) -> None:
    tools = tools_with()
    await tools.call("calculator", {"expression": "1"}, CONTEXT)

    began = process_time()
    result = await tools.call("calculator", {"expression": expression}, CONTEXT)

    assert refusal(result) == code
    assert process_time() - began < 0.1


async def test_a_variable_of_the_calculator_is_exact_and_a_boolean_is_none() -> None:
    exact = await call("calculator", expression="3 * x", variables={"x": 0.1})
    boolean = await call("calculator", expression="x", variables={"x": True})

    assert answer(exact) == {"result": 0.3, "text": "0.3"}
    assert refusal(boolean) == "invalid_arguments"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("people[0].name", "Ada", id="a path"),
        pytest.param("people[?age > `30`].name", ["Ada"], id="a filter"),
        pytest.param("sort_by(people, &age)[].name", ["Bo", "Ada"], id="sorted"),
        pytest.param("{n: length(people), first: people[0].name}", {"n": 2, "first": "Ada"}, id="another shape"),
        pytest.param("nobody.here", None, id="what is not there is null"),
    ],
)
async def test_json_query_finds(query: str, expected: Json) -> None:
    data: Json = {"people": [{"name": "Ada", "age": 36}, {"name": "Bo", "age": 9}]}

    assert answer(await call("json_query", data=data, query=query)) == {"result": expected}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        pytest.param("people[?", "invalid_query", id="half a query"),
        pytest.param("nonsense(@)", "invalid_query", id="an unknown function"),
        pytest.param("length(`5`)", "invalid_query", id="the wrong type for a function"),
        pytest.param("(" * 900, "invalid_query", id="too deep"),
        pytest.param("|".join(["[@,@]"] * 100), "query_too_big", id="pairs of pairs of pairs"),
        pytest.param("|".join(["[@,@][]"] * 90), "query_too_big", id="a list that doubles"),
        pytest.param("|".join(["join('',[@,@])"] * 60), "query_too_big", id="a text that doubles"),
        pytest.param("to_number('1e999')", "invalid_output", id="infinity"),
    ],
)
async def test_json_query_refuses(query: str, code: str) -> None:
    data: Json = "seed" if query.startswith("join") else list(range(100))

    assert refusal(await call("json_query", data=data, query=query)) == code


async def test_json_query_stops_counting_on_a_query_that_looks_at_everything_for_everything() -> None:
    data: Json = [list(range(2_000))] * 100

    result = await call("json_query", data=data, query="map(&map(&abs(abs(@)), @), @)")

    assert refusal(result) == "query_too_big"
    assert "steps" in (result.error.message if result.error else "")


async def find(query: str, *documents: Json, **options: Json) -> JsonObject:
    return cast(JsonObject, answer(await call("text_search", query=query, documents=documents, **options)))


def places(found: JsonObject) -> list[Json]:
    return [cast(JsonObject, one)["index"] for one in cast(list[Json], found["results"])]


def snippet_of(found: JsonObject) -> str:
    return str(cast(JsonObject, cast(list[Json], found["results"])[0])["snippet"])


@pytest.mark.parametrize(
    ("query", "texts", "expected"),
    [
        pytest.param("zebra", ["a horse", "a zebra"], [1], id="only what has a word of the query"),
        pytest.param("the zebra", ["the the the", "the zebra", "the horse"], [1, 0, 2], id="a rare word is worth more"),
        pytest.param("zebra", ["zebra " + "grass " * 50, "zebra grass"], [1, 0], id="a short document before a long one"),
        pytest.param("zebra", ["one zebra", "two zebra"], [0, 1], id="equals in the order given"),
        pytest.param("STRASSE", ["Straße"], [0], id="case is folded beyond ascii"),
        pytest.param("caf\u00e9", ["cafe\u0301"], [0], id="accents compare however they are written"),
        pytest.param("京都", ["東京は首都", "京都は古い都"], [1, 0], id="scripts without spaces"),
        pytest.param("?!", ["anything"], [], id="a query without words"),
        pytest.param("zebra", [], [], id="no documents"),
    ],
)
async def test_text_search_ranks(query: str, texts: list[str], expected: list[int]) -> None:
    documents: list[Json] = [{"text": text} for text in texts]

    assert places(await find(query, *documents)) == expected


async def test_text_search_counts_a_title_more_than_text() -> None:
    found = await find("zebra", {"text": "zebra and horse"}, {"title": "zebra", "text": "stripes and horse"})

    assert places(found) == [1, 0]


async def test_text_search_says_how_many_there_are_beyond_its_limit_and_keeps_ids() -> None:
    documents: list[Json] = [{"id": number, "text": "a"} for number in range(9)]

    found = await find("a", *documents, limit=2)

    assert (places(found), found["total"]) == ([0, 1], 9)
    assert cast(JsonObject, cast(list[Json], found["results"])[1])["id"] == 1


async def test_a_snippet_shows_where_the_words_of_the_query_stand_together() -> None:
    text = "zebra " + "grass " * 40 + "the lion ate the zebra at noon " + "grass " * 40

    assert snippet_of(await find("lion zebra", {"text": text}, snippet_length=30)) == "...lion ate the zebra at noon..."


async def test_a_snippet_of_a_word_longer_than_it_is_still_a_snippet() -> None:
    assert snippet_of(await find("x" * 300, {"text": "x" * 300}, snippet_length=20)) == "x" * 20 + "..."


async def test_text_search_refuses_more_text_than_it_can_read_in_time() -> None:
    assert refusal(await call("text_search", query="a", documents=[{"text": "a" * 1_000_001}] * 2)) == "documents_too_big"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param({"operation": "now"}, "2026-03-01T12:00:00+00:00", id="now"),
        pytest.param({"operation": "now", "timezone": "Asia/Kathmandu"}, "2026-03-01T17:45:00+05:45", id="now elsewhere"),
        pytest.param(
            {"operation": "parse", "time": "2026-07-01 09:30", "timezone": "Europe/Berlin"},
            "2026-07-01T09:30:00+02:00",
            id="a time of the zone",
        ),
        pytest.param(
            {"operation": "parse", "time": "2026-07-01T09:30Z", "timezone": "Europe/Berlin"},
            "2026-07-01T11:30:00+02:00",
            id="a time from elsewhere",
        ),
        pytest.param(
            {"operation": "parse", "time": "1.7.2026", "format": "%d.%m.%Y"}, "2026-07-01T00:00:00+00:00", id="a format of one's own"
        ),
        pytest.param(
            {"operation": "add", "time": "2024-01-31", "duration": {"months": 1}}, "2024-02-29T00:00:00+00:00", id="a month from the 31st"
        ),
        pytest.param(
            {"operation": "add", "time": "2024-02-29", "duration": {"years": 1}}, "2025-02-28T00:00:00+00:00", id="a year from a leap day"
        ),
        pytest.param(
            {"operation": "add", "time": "2026-01-15", "duration": {"months": -13, "hours": 0.5}},
            "2024-12-15T00:30:00+00:00",
            id="backwards",
        ),
        pytest.param(
            {"operation": "add", "time": "2026-03-28T12:00", "timezone": "Europe/Berlin", "duration": {"days": 1}},
            "2026-03-29T12:00:00+02:00",
            id="a day over the change of clocks keeps the time of day",
        ),
        pytest.param(
            {"operation": "add", "time": "2026-03-28T12:00", "timezone": "Europe/Berlin", "duration": {"hours": 24}},
            "2026-03-29T13:00:00+02:00",
            id="24 hours over the change of clocks pass",
        ),
    ],
)
async def test_datetime_answers_with_a_time(arguments: JsonObject, expected: str) -> None:
    assert cast(JsonObject, answer(await call("datetime", **arguments)))["time"] == expected


async def test_a_difference_is_what_passes_and_not_what_the_clocks_show() -> None:
    found = await call("datetime", operation="difference", time="2026-03-28T12:00", until="2026-03-29T12:00", timezone="Europe/Berlin")
    back = await call("datetime", operation="difference", time="2026-03-01", until="2026-02-28T23:00")

    assert answer(found) == {"seconds": 23 * 3600, "text": "23:00:00"}
    assert answer(back) == {"seconds": -3600, "text": "-1:00:00"}


async def test_datetime_tells_the_weekday_and_the_unix_time() -> None:
    expected = {"time": "2026-03-01T12:00:00+00:00", "timezone": "UTC", "weekday": "Sunday", "unix": 1772366400.0}

    assert answer(await call("datetime", operation="now")) == expected


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param({"operation": "now", "timezone": "Mars/Olympus"}, "unknown_timezone", id="no such zone"),
        pytest.param({"operation": "now", "timezone": "../../etc/passwd"}, "unknown_timezone", id="a zone outside the folder"),
        pytest.param({"operation": "now", "timezone": "Europe"}, "unknown_timezone", id="a folder of zones"),
        pytest.param({"operation": "parse", "time": "soon"}, "invalid_time", id="no time"),
        pytest.param({"operation": "parse", "time": "1 1", "format": "%d %d"}, "invalid_time", id="a day twice"),
        pytest.param({"operation": "format", "time": "2026-01-01", "format": "%1000000d"}, "invalid_format", id="a width"),
        pytest.param({"operation": "format", "time": "2026-01-01", "format": "50%"}, "invalid_format", id="a lone percent sign"),
        pytest.param({"operation": "add", "time": "9999-12-31", "duration": {"days": 1}}, "out_of_range", id="after the last year"),
        pytest.param({"operation": "add", "time": "2026-01-01", "duration": {"years": 1_000_000}}, "out_of_range", id="far after it"),
        pytest.param({"operation": "add", "time": "2026-01-01"}, "invalid_arguments", id="nothing to add"),
        pytest.param({"operation": "add", "time": "2026-01-01", "duration": {"days": 0.5}}, "invalid_arguments", id="half a calendar day"),
        pytest.param({"operation": "guess"}, "invalid_arguments", id="an unknown operation"),
    ],
)
async def test_datetime_refuses(arguments: JsonObject, code: str) -> None:
    assert refusal(await call("datetime", **arguments)) == code


async def test_sleep_waits_its_seconds_by_the_clock_it_was_given() -> None:
    clock = HandClock()

    result = await tools_with(clock=clock).call("sleep", {"seconds": 2.5}, CONTEXT)

    assert (answer(result), clock.slept, result.execution_time) == ({"seconds": 2.5}, [2.5], 2.5)


@pytest.mark.parametrize("seconds", [-1, 3601, True, "1"])
async def test_sleep_refuses(seconds: Json) -> None:
    assert refusal(await call("sleep", seconds=seconds)) == "invalid_arguments"
