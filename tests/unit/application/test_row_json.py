"""Rows that are spliced say exactly what rows that are parsed and written again say."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from application.row_json import page_json, passing_json, row_json
from application.run_views import EventView, PassingView
from domain.ids import Position, RunId, ThreadId
from domain.ports.feed import Passing
from domain.ports.journal import Recorded
from domain.run.events import EVENT_TYPES

BODIES = [b"{}", b'{"x":1}', '{"text":"Grüße \\n \\u2028","deep":{"type":"a","at":[1.5,null,true]}}'.encode()]
MOMENTS = [
    datetime(2026, 5, 4, tzinfo=UTC),
    datetime(2026, 5, 4, 1, 2, 3, 456789, tzinfo=UTC),
    datetime(2026, 5, 4, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))),
]


def row(kind: str, body: bytes, at: datetime) -> Recorded:
    return Recorded(ThreadId("thread"), Position(7), RunId("0190a1b2"), kind, body, at)


@pytest.mark.parametrize("kind", [event.kind for event in EVENT_TYPES] + ["of_a_later_version"])
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("at", MOMENTS)
def test_a_row_reads_the_same_whichever_way_it_was_written(kind: str, body: bytes, at: datetime) -> None:
    found = row(kind, body, at)

    assert json.loads(row_json(found)) == EventView.of(found).model_dump(mode="json")


@pytest.mark.parametrize("kind", ["run_started", "run_continued", "effect_unknown"])
def test_a_row_with_members_of_our_names_has_each_once_and_ours(kind: str) -> None:
    told = row_json(row(kind, b'{"run":"another","at":1.5}', MOMENTS[0]))

    assert (told.count(b'"run"'), told.count(b'"at"')) == (1, 1)
    assert json.loads(told)["run"] == "0190a1b2"


def test_a_page_names_where_the_next_one_begins_also_when_it_is_empty() -> None:
    assert json.loads(page_json([], 3)) == {"items": [], "next": 3}
    found = row("node_finished", b'{"x":1}', MOMENTS[0])
    assert json.loads(page_json([found, found], 3))["next"] == 7


@pytest.mark.parametrize("text", ["word", 'a "quote" and \n', "\u6f22\u5b57 \U0001f44d", "\x00\x1f\u2028", ""])
def test_what_passes_by_is_the_json_of_its_view(text: str) -> None:
    news = Passing(RunId("r"), "text", "/a#1", text, dropped=3)
    assert json.loads(passing_json(news)) == PassingView.of(news).model_dump(mode="json")
    assert b"\n" not in passing_json(news), "a line break would end the event"


def test_half_a_character_is_shown_as_a_question_mark() -> None:
    assert json.loads(passing_json(Passing(RunId("r"), "text", "/a#1", "a\ud800b")))["text"] == "a?b"
