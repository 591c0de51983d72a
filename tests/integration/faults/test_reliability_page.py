"""docs/reliability.md names what there is, and a campaign replaces the rows it has played."""

from pathlib import Path

from tests.integration.faults.arming import POINTS
from tests.integration.faults.campaign import Act, perform
from tests.integration.faults.cluster import CannotBePlayed
from tests.integration.faults.guards import GUARDS
from tests.integration.faults.matrix import PAGE, Entry, with_rows


def test_every_crash_point_and_guard_is_named() -> None:
    page = PAGE.read_text()

    assert [name for name in (*POINTS, *GUARDS) if f"`{name}`" not in page] == []


def test_a_row_replaces_the_one_of_its_name_and_no_other() -> None:
    first, second = (Entry(name, "f", "m", "held", "", "then") for name in ("a", "b"))
    table = with_rows("", [first, second])

    again = with_rows(table, [Entry("a", "f", "m", "**BROKEN** | at once", "", "now")])

    assert again.splitlines()[2:] == ["| `a` | f | m | **BROKEN** / at once |  | now |", second.row()]


def test_what_cannot_be_played_here_is_not_run_and_not_broken(tmp_path: Path) -> None:
    def refused(folder: Path, seed: int) -> dict[str, float]:
        raise CannotBePlayed("it takes a user who may mount a disk")

    def broken(folder: Path, seed: int) -> dict[str, float]:
        raise AssertionError("a promise")

    entries = [perform(Act("a", "f", "m", play), 1, tmp_path) for play in (refused, broken)]
    assert [entry.verdict.split(":")[0] for entry in entries] == ["not run", "**BROKEN** AssertionError"]
    assert [entry.is_broken for entry in entries] == [False, True]
