"""What somebody who talks to a session gets to read."""

from typing import Any

import pytest

from interface.cli.failures import CommandFailed
from interface.cli.happenings import Happening
from interface.cli.speech import Speech


def chunk(text: str, activation: str = "/ask#1") -> Happening:
    return Happening("chunk", {"activation": activation, "text": text})


def a_run(output: Any, status: str = "completed") -> dict[str, Any]:
    return {"status": status, "output": output, "error": None, "workflow": "desk", "usage": {"calls": 0}, "cost": {}}


@pytest.mark.parametrize(
    ("heard", "output", "printed"),
    [
        pytest.param(["One ", "moment."], "One moment.", "One moment.\n", id="words that were all of it are not repeated"),
        pytest.param(["One ", "moment."], {"said": "One moment."}, "One moment.\n", id="nor when they are a member of it"),
        pytest.param(["moment."], "One moment.", "moment.\nOne moment.\n", id="what was heard in part comes whole"),
        pytest.param(
            ["Yes."], {"said": "Yes.", "n": "x"}, 'Yes.\n{\n  "said": "Yes.",\n  "n": "x"\n}\n', id="what it made besides is shown"
        ),
        pytest.param([], "Yes.", "Yes.\n", id="without a word the output is"),
    ],
)
def test_a_person_reads_the_words_as_they_come(capsys: pytest.CaptureFixture[str], heard: list[str], output: Any, printed: str) -> None:
    speech = Speech(is_live=True)
    for text in heard:
        speech.hear(chunk(text))
    assert capsys.readouterr().out == "".join(heard)
    speech.end(a_run(output))

    assert "".join(heard) + capsys.readouterr().out == printed


def test_two_speakers_have_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    speech = Speech(is_live=True)
    for happening in (chunk("a"), chunk("b", "/ask#2"), chunk("c", "/ask#2")):
        speech.hear(happening)

    assert capsys.readouterr().out == "a\nbc"


def test_a_program_reads_the_output_alone(capsys: pytest.CaptureFixture[str]) -> None:
    speech = Speech(is_live=False)
    speech.hear(chunk("One moment."))
    speech.end(a_run("One moment."))

    assert capsys.readouterr().out == "One moment.\n"


def test_what_a_run_waits_for_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    Speech(is_live=False).hear(Happening("node_parked", {"activation": "/ok#1", "waiting_for": "signal", "until": None}))

    assert capsys.readouterr().err == "waits for signal at /ok#1\n"


def test_a_run_that_did_not_complete_is_a_failure_of_the_command() -> None:
    with pytest.raises(CommandFailed):
        Speech(is_live=True).end(a_run(None, "cancelled"))
