"""`weft run --record` and `weft replay`."""

from decimal import Decimal

import pytest

from tests.integration.cli.command import EXAMPLES, Weft

pytestmark = pytest.mark.processes

TRIAGE, TICKET = EXAMPLES / "support_triage.yaml", f"@{EXAMPLES / 'data/ticket.json'}"


def test_a_recorded_run_is_played_again_and_what_changed_is_said(weft: Weft) -> None:
    recorded = weft("run", TRIAGE, "--input", TICKET, "--record", "tapes/triage.yaml")
    assert recorded.code == 0, recorded.err

    same = weft("replay", "tapes/triage.yaml")
    assert same.code == 0, same.err
    assert [line.split()[0] for line in same.out.splitlines()] == ["ending", "path", "output", "tokens", "cost"]
    assert all("same" in line for line in same.out.splitlines())

    changed = weft.write("changed.yaml", TRIAGE.read_text().replace("You sort the support", "You order the support"))
    asked = weft("replay", "tapes/triage.yaml", changed, "--strict")
    assert asked.code == 1
    assert 'asked otherwise: classify#1 (fast)\n  /messages/0/content  "You sort' in asked.out

    dearer = weft("replay", "tapes/triage.yaml", "--model", "fast=openai/gpt-4o", "--json")
    assert (dearer.code, dearer.json["output"], dearer.json["path"]["same"]) == (1, [], True)
    assert Decimal(dearer.json["cost"]["after"]) > Decimal(dearer.json["cost"]["before"])


def test_what_cannot_be_meant_is_said_and_nothing_is_paid_for(weft: Weft) -> None:
    weft.write("taken", "")
    lost = weft("run", TRIAGE, "--input", TICKET, "--record", "taken/triage.yaml")
    assert (lost.code, lost.out) == (2, "")
    assert "taken/triage.yaml cannot be written" in lost.err

    weft("run", TRIAGE, "--input", TICKET, "--record", "triage.yaml")
    slip = weft("replay", "triage.yaml", "--model", "slow=openai/gpt-4o")
    assert (slip.code, slip.out) == (2, "")
    assert "--model slow: no call asks for that; they ask for careful, fast" in slip.err
    assert f"{TRIAGE}: the body does not fit" in weft("replay", "triage.yaml", "--prompt", TRIAGE).err


def test_what_is_no_cassette_is_code_2(weft: Weft) -> None:
    no_cassette = weft("replay", TRIAGE)

    assert no_cassette.code == 2
    assert "this is no cassette" in no_cassette.err
