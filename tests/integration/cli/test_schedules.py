"""`weft schedules`."""

import pytest

from tests.integration.cli.command import COUNTING, Weft
from tests.servers.rest import Rest

pytestmark = pytest.mark.processes


def test_a_schedule_is_made_shown_paused_resumed_triggered_and_deleted(weft: Weft) -> None:
    url = weft.commands.serve().url()
    weft("publish", weft.write("counting.yaml", COUNTING), "--server", url)

    def schedules(*arguments: str) -> str:
        answer = weft("schedules", *arguments, "--server", url)
        assert answer.code == 0, answer.err
        return answer.out

    when = ("--cron", "0 9 1 1 *", "--time-zone", "Europe/Berlin")
    made = schedules("create", "counting", *when, "--name", "new year", "--input", '{"x": 40}', "--overlap", "allow")
    schedule = made.split()[1]
    due = made.split()[-1]
    assert made == f"schedule {schedule} is due at {due}\n"
    assert due.endswith("-01-01T08:00:00Z")
    assert schedules("list") == f"{schedule}\tnew year\tcounting\t0 9 1 1 * (Europe/Berlin)\tis due at {due}\n"
    assert schedules("pause", schedule) == f"schedule {schedule} is paused\n"
    assert schedules("resume", schedule) == f"schedule {schedule} is due at {due}\n"
    told = schedules("trigger", schedule)
    assert Rest(url).ended(told.split()[1])["output"] == {"x": 42}
    shown = weft("schedules", "show", schedule, "--next", "2", "--server", url).json
    assert (shown["input"], shown["overlap"], len(shown["next"])) == ({"x": 40}, "allow", 2)
    assert [(firing["run_id"], firing["manual"]) for firing in shown["firings"]] == [(told.split()[1], True)]
    assert schedules("delete", schedule) == f"schedule {schedule} is deleted\n"
    assert schedules("list") == ""


def test_what_is_wrong_with_a_schedule_is_said(weft: Weft) -> None:
    url = weft.commands.serve().url()
    weft("publish", weft.write("counting.yaml", COUNTING), "--server", url)

    both = weft("schedules", "create", "counting", "--cron", "* * * * *", "--every", "5", "--server", url)
    assert (both.code, both.out, "either `cron` or `every_seconds`" in both.err) == (2, "", True)
    gone = weft("schedules", "show", "0190a1b2-0000-7000-8000-000000000000", "--server", url)
    assert (gone.code, "there is no schedule" in gone.err) == (2, True)
