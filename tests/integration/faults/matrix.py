"""The matrix in docs/reliability.md: one row per fault, replaced when it was played again."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.architecture.places import ROOT

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- matrix -->", "<!-- end of matrix -->"
HEAD = ["| name | fault | must show | result | figures | date, commit, seed, duration |", "| --- | --- | --- | --- | --- | --- |"]


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    fault: str
    must: str
    verdict: str
    figures: str
    when: str

    @property
    def is_broken(self) -> bool:
        """What could not be played here is not."""
        return self.verdict.startswith("**BROKEN**")

    def row(self) -> str:
        cells = (f"`{self.name}`", self.fault, self.must, self.verdict, self.figures, self.when)
        return "| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in cells) + " |"


def write(entries: Sequence[Entry]) -> None:
    """Puts these rows in, and leaves the others as they are."""
    before, rest = PAGE.read_text().split(BEGIN)
    inside, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n{with_rows(inside, entries)}\n{END}{after}")


def with_rows(table: str, entries: Sequence[Entry]) -> str:
    rows = {row.split("`")[1]: row for row in table.splitlines() if row.startswith("| `")}
    rows.update({entry.name: entry.row() for entry in entries})
    return "\n".join([*HEAD, *rows.values()])
