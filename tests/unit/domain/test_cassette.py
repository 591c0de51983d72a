"""Tapes: what answers which question, and what came of a run beside what came of it before."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.cassette import (
    MODEL,
    TOOL,
    AskedOtherwise,
    NotRecorded,
    Playback,
    RecordedCall,
    Recording,
    in_reading_order,
    node_of,
    without_bulk,
)
from domain.change import Change, Operation
from domain.ids import ActivationPath
from domain.replay import Came, Compared, Visit, in_order


def call(at: str, asked: str, answer: str = "", kind: str = MODEL, name: str = "fast", effect: int = 0) -> RecordedCall:
    return RecordedCall(
        kind, name, ActivationPath(at), effect, f"digest of {asked}", {"prompt": asked}, {"text": answer} if answer else None
    )


def played(*calls: RecordedCall) -> Playback:
    return Playback(calls, {}, datetime(2026, 1, 1, tzinfo=UTC))


def answered(tape: Playback, at: str, asked: str, kind: str = MODEL, name: str = "fast", effect: int = 0) -> str | None:
    found = tape.draw(call(at, asked, kind=kind, name=name, effect=effect))
    return None if found is None or found.answer is None else str(found.answer["text"])


def test_each_answer_is_given_once_and_to_the_visit_that_asked() -> None:
    tape = played(call("/each#1[0]/a#1", "same", "of the first"), call("/each#1[1]/a#1", "same", "of the second"))

    assert [answered(tape, f"/each#1[{item}]/a#1", "same") for item in (1, 0)] == ["of the second", "of the first"]
    assert (tape.otherwise, tape.unused) == ([], [])


def test_the_same_question_elsewhere_is_the_same_question() -> None:
    tape = played(call("/a#1", "q", "yes"))

    assert answered(tape, "/renamed#1", "q") == "yes"
    assert tape.otherwise == []


def test_a_question_that_is_asked_once_more_has_its_last_answer() -> None:
    tape = played(call("/a#1", "q", "first"), call("/a#2", "q", "last"))

    assert [answered(tape, f"/a#{visit}", "q") for visit in (1, 2, 3)] == ["first", "last", "last"]


def test_a_changed_question_has_the_next_answer_of_its_node_and_says_what_changed() -> None:
    tape = played(call("/a#1", "old", "one"), call("/a#2", "older", "two"), call("/b#1", "b", "other"))

    assert [answered(tape, f"/a#{visit}", f"new {visit}") for visit in (2, 1)] == ["two", "one"]
    assert tape.otherwise[0] == AskedOtherwise(ActivationPath("/a#2"), "fast", (Change(Operation.UPDATE, "/prompt", "older", "new 2"),))
    assert [left.at for left in tape.unused] == ["/b#1"]


def test_what_was_asked_word_for_word_is_not_given_away_to_another_question() -> None:
    tape = played(call("/a#1", "q", "yes"))

    assert answered(tape, "/a#1", "another") == "yes"
    tape = played(call("/a#1", "q", "yes"), call("/a#2", "r", "no"))
    assert [answered(tape, "/a#1", "r"), answered(tape, "/a#2", "s")] == ["no", "yes"]


def test_what_is_not_on_the_tape_is_noted() -> None:
    tape = played(call("/a#1", "q", "yes"))

    assert answered(tape, "/new#1", "x") is None
    assert tape.missing == [NotRecorded(ActivationPath("/new#1"), MODEL, "fast")]


def test_another_model_may_have_been_asked_and_another_tool_may_not() -> None:
    models, tools = played(call("/a#1", "q", "yes")), played(call("/a#1", "q", "yes", TOOL, "search"))

    assert answered(models, "/a#1", "r", name="careful") == "yes"
    assert answered(tools, "/a#1", "r", TOOL, "delete") is None
    assert answered(tools, "/a#1", "r", TOOL, "search") == "yes"


def test_a_model_never_answers_for_a_tool() -> None:
    assert answered(played(call("/a#1", "q", "yes")), "/a#1", "q", TOOL) is None


def test_a_tape_is_in_one_order_however_its_calls_came() -> None:
    calls = [call("/a#10", "x"), call("/a#2", "y", effect=2), call("/a#2", "z", effect=1), call("/a#2", "again", effect=1)]
    tape = Recording()
    for one in calls:
        tape.note(one)

    assert [(one.at, one.asked["prompt"]) for one in tape.calls] == [("/a#2", "z"), ("/a#2", "again"), ("/a#2", "y"), ("/a#10", "x")]


@pytest.mark.parametrize(("at", "node"), [("/a#1", "a"), ("/each#1[3]/draft#12", "each/draft"), ("/a.b-c_1#2", "a.b-c_1")])
def test_a_node_is_its_visits_without_their_numbers(at: str, node: str) -> None:
    assert node_of(at) == node


def test_numbers_sort_as_numbers() -> None:
    assert sorted(["/a#10", "/a#9", "/a", "/b#1"], key=in_reading_order) == ["/a", "/a#9", "/a#10", "/b#1"]


def test_the_bulk_of_an_image_is_left_out() -> None:
    bulky: Any = {"messages": [{"url": "data:image/png;base64," + "A" * 10_000}, "data: short", "x" * 10_000]}

    assert len(str(without_bulk(bulky))) < 10_300
    found: Any = without_bulk(bulky)
    assert found["messages"][1:] == bulky["messages"][1:]


def test_a_path_is_told_as_one_thing_led_to_another() -> None:
    """`a` and `b` side by side, `b` first by the clock; `c` runs a graph per item; `end` waits for both."""
    visits = [
        Visit("/b#1", 2, (1,)),
        Visit("/a#1", 3, (1,)),
        Visit("/c#1[1]/x#1", 5, (4,)),
        Visit("/c#1[0]/x#1", 6, (4,)),
        Visit("/c#1[0]/y#1", 7, (6,)),
        Visit("/c#1", 8, (3,)),
        Visit("/end#1", 9, (2, 8)),
    ]

    assert in_order(visits) == ("a#1", "b#1", "c#1", "c#1[0]/x#1", "c#1[0]/y#1", "c#1[1]/x#1", "end#1")
    assert in_order([visits[1], visits[0], *visits[2:]]) == in_order(visits)


def test_a_loop_of_ten_thousand_visits_is_told_in_order() -> None:
    visits = [Visit(f"/a#{number}", number + 1, (number,)) for number in range(1, 10_001)]

    assert in_order(visits[::-1])[-2:] == ("a#9999", "a#10000")


def test_a_visit_in_a_frame_that_never_ended_stands_last() -> None:
    assert in_order([Visit("/map#1[0]/x#1", 5, (4,)), Visit("/a#1", 6, (1,))]) == ("a#1", "map#1[0]/x#1")


CAME = Came("completed", ("a#1", "b#1"), {"x": 1}, "", 2, 10, 5, Decimal("0.30"))


@pytest.mark.parametrize(
    ("after", "differs"),
    [
        pytest.param(CAME, set(), id="the same"),
        pytest.param(Came("completed", ("a#1", "b#1"), {"x": 1}, "", 2, 10, 5, Decimal("0.3")), set(), id="the same sum in other digits"),
        pytest.param(Came("completed", ("b#1", "a#1"), {"x": 1}, "", 2, 10, 5, Decimal("0.3")), {"path"}, id="another order"),
        pytest.param(Came("completed", ("a#1", "b#1"), {"x": 2}, "", 2, 10, 5, Decimal("0.3")), {"output"}, id="another output"),
        pytest.param(
            Came("completed", ("a#1", "b#1"), {"x": 1}, "", 2, 5, 10, Decimal("0.3")), {"tokens"}, id="as many tokens, not the same"
        ),
        pytest.param(Came("completed", ("a#1", "b#1"), {"x": 1}, "", 2, 10, 5, Decimal("0.3"), "EUR"), {"cost"}, id="another currency"),
        pytest.param(Came("completed", ("a#1", "b#1"), {"x": 1}, "", 2, 10, 5, Decimal("0.3"), unpriced=1), {"cost"}, id="unknown prices"),
        pytest.param(Came("failed", ("a#1", "b#1"), {"x": 1}, "late", 2, 10, 5, Decimal("0.3")), {"ending"}, id="another ending"),
    ],
)
def test_what_differs_is_told_apart(after: Came, differs: set[str]) -> None:
    found = Compared(CAME, after)
    parts = ("path", "output", "tokens", "cost", "ending")

    assert {part for part in parts if not getattr(found, f"same_{part}")} == differs
    assert found.same == (not differs)
