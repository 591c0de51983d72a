"""What a watcher of a run is shown, row by row."""

import io
import json
from typing import Any

import pytest
from rich.console import Console

from application.run_views import PassingView
from domain.ids import RunId
from domain.ports.feed import Passing
from interface.cli.happenings import Happening, happening_of
from interface.cli.live import LiveTable, PlainLines
from interface.cli.printing import money
from interface.cli.progress import KEPT_PROGRESS, KEPT_TEXT, Progress, Visit
from interface.rest.sockets import message
from interface.rest.stream import encoded


def progress_of(*happened: tuple[str, dict[str, Any]]) -> Progress:
    progress = Progress()
    for name, data in happened:
        progress.see(Happening(name, data))
    return progress


def finished(path: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "node_finished", {"activation": path, "seconds": 0.5, **more}


def started(path: str) -> tuple[str, dict[str, Any]]:
    return "started", {"kind": "started", "activation": path, "text": ""}


def said(path: str, text: str) -> tuple[str, dict[str, Any]]:
    return "chunk", {"kind": "text", "activation": path, "text": text}


def used(tokens: int, cost: str | None) -> dict[str, Any]:
    money = None if cost is None else {"amount": cost, "currency": "USD"}
    return {"model": "fast", "prompt_tokens": tokens, "completion_tokens": 1, "cost": money, "estimated": False}


FAILURE = {"code": "timeout", "message": "too slow", "node": "b", "attempt": 1, "retryable": True, "retry_after": None}


@pytest.mark.parametrize(
    ("happened", "status"),
    [
        pytest.param([started("/a#1")], "running", id="a node that began runs"),
        pytest.param([said("/a#1", "Hi")], "running", id="a node that is heard of by its words runs"),
        pytest.param([started("/a#1"), finished("/a#1")], "finished", id="a node that finished is finished"),
        pytest.param([("attempt_failed", {"activation": "/a#1", "failure": FAILURE, "retry_at": 1.0})], "retrying", id="a failed attempt"),
        pytest.param(
            [("node_failed", {"activation": "/a#1", "failure": FAILURE, "cancelled": []})], "failed", id="the last attempt failed"
        ),
        pytest.param([("node_parked", {"activation": "/a#1", "waiting_for": "timer"})], "waiting", id="a node that sleeps waits"),
        pytest.param([("frames_opened", {"activation": "/a#1", "inputs": [{}, {}], "is_map": True})], "running", id="a map goes on"),
        pytest.param(
            [started("/a#1"), ("node_failed", {"activation": "/b#1", "failure": FAILURE, "cancelled": ["/a#1"]})], "cancelled", id="cut off"
        ),
    ],
)
def test_a_visit_is_shown_as_it_stands(happened: list[tuple[str, dict[str, Any]]], status: str) -> None:
    assert progress_of(*happened).visits["/a#1"].status == status


def test_counts_follow_every_move() -> None:
    progress = progress_of(started("/a#1"), started("/b#1"), finished("/a#1"))

    assert progress.counts == {"running": 1, "finished": 1}


def test_a_visit_under_way_goes_on_under_its_new_name() -> None:
    parked = ("node_parked", {"activation": "/ask#1", "waiting_for": "signal"})
    progress = progress_of(parked, ("run_migrated", {"paths": {"/ask#1": "/approve#1"}}), finished("/approve#1"))

    assert ({path: visit.label for path, visit in progress.visits.items()}, progress.counts) == (
        {"/approve#1": "approve"},
        {"waiting": 0, "finished": 1},
    )


def test_tokens_and_cost_are_summed_failed_attempts_too() -> None:
    progress = progress_of(
        ("attempt_failed", {"activation": "/a#1", "failure": FAILURE, "retry_at": 1.0, "usage": used(9, "0.001")}),
        finished("/a#1", usage=used(19, "0.002")),
        finished("/b#1", usage=used(29, None)),
    )

    assert (progress.tokens, progress.calls, str(progress.cost)) == (60, 3, "0.003")
    assert progress.visits["/a#1"].tokens == 30


def test_a_model_is_heard_until_its_node_is_over() -> None:
    speaking = progress_of(said("/a#1", "Good "), said("/a#1", "day"))
    assert (speaking.speaker, speaking.text) == ("/a#1", "Good day")

    speaking.see(Happening(*finished("/a#1")))
    assert speaking.text == ""


def test_no_more_of_a_long_speech_is_kept_than_can_be_shown() -> None:
    assert len(progress_of(*(said("/a#1", "word " * 100) for _ in range(100))).text) == KEPT_TEXT


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/draft#1", "draft"),
        ("/draft#3", "draft (3)"),
        ("/review#1[2]/draft#1", "review[2] > draft"),
        ("/review#2[0]/inner#1/draft#3", "review (2)[0] > inner > draft (3)"),
    ],
)
def test_a_path_reads_well(path: str, label: str) -> None:
    assert Visit(path, "running", 0.0).label == label


def shown(table: LiveTable) -> str:
    output = io.StringIO()
    Console(file=output, width=100, force_terminal=True, color_system=None).print(table)
    return output.getvalue()


def test_the_table_lights_up_and_lets_the_model_be_heard() -> None:
    table = LiveTable("triage@1.0.0")
    for name, data in (
        ("run_started", {}),
        started("/a#1"),
        finished("/a#1", usage=used(9, "0.01")),
        started("/b#1"),
        said("/b#1", "Hello [bold]"),
    ):
        table.see(Happening(name, data))

    text = shown(table)

    assert "triage@1.0.0  running" in text
    assert "✓  a" in text
    assert "10 tokens" in text
    assert "Hello [bold]" in text
    assert "1 running · 1 finished · 10 tokens · $0.01" in text


def passed(percent: int, spent: str) -> Happening:
    about = {"activation": "/a#1", "budget": "b-1", "name": "daily", "subject": "ann", "period": "2026-11-22"}
    return Happening("budget_alert", {**about, "percent": percent, "spent": spent, "limit": "5", "unit": "USD"})


def test_of_a_budget_the_table_shows_the_last_mark_that_was_passed() -> None:
    table = LiveTable("triage@1.0.0")
    table.see(passed(50, "2.5"))
    table.see(passed(80, "4.1"))

    text = shown(table)

    assert "budget daily of ann passed 80 %: 4.1 of 5 USD are used up" in text
    assert "50 %" not in text


def test_where_nobody_watches_each_mark_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = PlainLines()
    lines.see(passed(50, "2.5"))

    assert capsys.readouterr().err == "budget daily of ann passed 50 %: 2.5 of 5 USD are used up\n"


def test_of_thousands_of_visits_those_that_run_are_shown() -> None:
    table = LiveTable("wide@1.0.0")
    table.see(Happening(*started("/early#1")))
    for number in range(2_000):
        table.see(Happening(*started(f"/late#{number + 1}")))
        table.see(Happening(*finished(f"/late#{number + 1}")))

    text = shown(table)

    assert "early" in text
    assert "1 running · 2000 finished" in text
    assert len(text.splitlines()) < 24


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("0.0000087", "USD", "$0.000009"),
        ("1.5", "USD", "$1.50"),
        ("0", "USD", "$0.00"),
        ("0.0123", "EUR", "0.0123 EUR"),
        ("1E+2", "USD", "$100.00"),
        ("0.00000045", "USD", "$0.00000045"),
        ("5.0000001", "USD", "$5.00"),
    ],
)
def test_small_sums_keep_their_digits(amount: str, currency: str, written: str) -> None:
    assert money(amount, currency) == written


def told(path: str, text: str) -> tuple[str, dict[str, Any]]:
    return "progress", {"kind": "progress", "activation": path, "text": text}


def test_the_newest_that_a_tool_tells_of_itself_is_shown_while_it_runs() -> None:
    progress = progress_of(started("/a#1"), told("/a#1", "30% of it"), told("/a#1", "60%\n of it"), told("/b#1", "x" * 500))

    assert (progress.visits["/a#1"].said, progress.visits["/a#1"].status) == ("60% of it", "running")
    assert len(progress.visits["/b#1"].said) == KEPT_PROGRESS


def test_what_comes_late_says_nothing_of_a_tool_that_is_over() -> None:
    progress = progress_of(started("/a#1"), told("/a#1", "60%"), finished("/a#1"), told("/a#1", "90%"))

    assert (progress.visits["/a#1"].said, progress.visits["/a#1"].status) == ("", "finished")


def test_how_far_a_tool_is_goes_by_its_name_over_every_wire() -> None:
    news = Passing(RunId("r"), "progress", "/a#1", "30%")

    assert encoded(news).startswith(b'event: progress\ndata: {"kind":"progress","activation":"/a#1","text":"30%"')
    assert json.loads(message(news)) == {"type": "progress", "kind": "progress", "activation": "/a#1", "text": "30%", "dropped": 0}
    assert happening_of(PassingView.of(news)).name == "progress"
