"""`weft audit`, over what a real service has put on its trail."""

import sqlite3

import pytest

from tests.integration.cli.command import COUNTING, FAILING, Weft
from tests.servers.rest import Rest
from tests.servers.until import until

pytestmark = pytest.mark.processes


def test_what_was_done_is_listed_and_verified_and_an_edit_is_found(weft: Weft) -> None:
    service = weft.commands.serve()
    weft("publish", weft.write("counting.yaml", COUNTING), "--server", service.url())
    Rest(service.url()).post("/v1/tools/calculator/call", {"arguments": {"expression": "1 + 1"}})
    listed = until(lambda: weft("audit", "list", "--action", "tool.call", "--json").json, "that the call is on the trail")

    (call,) = listed
    assert (call["who"], call["resource"], call["effect"]) == ("local", "calculator", "allow")
    assert "POST /v1/workflows" in weft("audit", "list", "--who", "local", "--limit", "5").out
    head = weft("audit", "verify").out.splitlines()[1]
    whole = weft("audit", "verify", "--kept", head)
    assert (whole.code, "all there are" in whole.out) == (0, True)
    service.ask_to_stop()
    service.ended()

    with sqlite3.connect(weft.commands.folder / ".weft/weft.db") as database:
        database.execute("UPDATE audit SET who = 'eve' WHERE number = ?", [call["number"]])
    database.close()
    edited = weft("audit", "verify")
    assert edited.code == 1
    assert edited.out.startswith(f"record {call['number']} of {call['at'].replace('Z', '+00:00')}: the columns of its row")


def test_what_a_run_called_is_on_the_trail_when_its_process_is_over(weft: Weft) -> None:
    database = f"sqlite:///{weft.commands.folder / 'run.db'}"
    assert weft("run", weft.write("failing.yaml", FAILING), "--database", database).code == 1

    (call,) = weft("audit", "list", "--database", database, "--json").json
    assert (call["action"], call["resource"], call["who"]) == ("tool.call", "calculator", f"run {call['about']['run']}")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["list", "--since", "yesterday"], "--since yesterday: say 7d, 24h, 30m", id="a time that is none"),
        pytest.param(["verify", "--kept", "12"], "--kept 12: say NUMBER:DIGEST", id="a record without its digest"),
    ],
)
def test_what_cannot_be_asked_is_said(weft: Weft, arguments: list[str], told: str) -> None:
    refused = weft("audit", *arguments)

    assert (refused.code, told in refused.err) == (2, True)


def test_a_database_that_is_not_there_is_not_one_that_fits(weft: Weft) -> None:
    missing = weft.commands.folder / "nowhere.db"
    refused = weft("audit", "verify", "--database", f"sqlite:///{missing}")

    assert (refused.code, "there is no database" in refused.err, missing.exists()) == (2, True, False)


def test_a_tenant_without_records_is_not_one_that_fits(weft: Weft) -> None:
    weft("db", "upgrade")
    found = weft("audit", "verify", "--tenant", "typo")

    assert (found.code, "there is no record" in found.out) == (1, True)
