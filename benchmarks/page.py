"""The tables of docs/benchmarks.md. Only what stands between two markers is ever replaced."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.bounds import MOMENTS, NAMES, WEFT, WORKS, Verdict, Work
from benchmarks.figures import Figures, Spread

Shown = Callable[[float], str]
PAGE: Final = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def put(page: Path, part: str, text: str) -> None:
    """Replace what stands between `<!-- part:begin -->` and `<!-- part:end -->`."""
    begin, end = f"<!-- {part}:begin -->", f"<!-- {part}:end -->"
    before, found, rest = page.read_text().partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise ValueError(f"{page.name} has no place for {part}: {begin} ... {end}")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}")


def figures_text(figures: Figures, machine: Mapping[str, Any], rounds: int) -> str:
    return "\n\n".join(
        [where(figures, machine, rounds), _table(figures, WORKS, _micros, "µs a step"), _table(figures, MOMENTS, _seconds, "seconds")]
    )


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), ["---"] * len(list(head)), *(list(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def where(figures: Figures, machine: Mapping[str, Any], rounds: int) -> str:
    about = {name: version for name, version in figures.versions.items() if version[:1].isdigit()}
    versions = ", ".join(f"{NAMES[who]} {version}" for who, version in sorted(about.items()) if who in NAMES)
    hardware = f"{machine['cores']} cores of {machine['processor']}, {machine['memory_gib']} GiB, {machine['kernel']}"
    software = f"Python {machine['python']}, SQLite {machine['sqlite']}, PostgreSQL {machine['postgres']} (fsync on)"
    return f"{machine['date']}, rounds: {rounds}. {hardware}. {software}. Weft {figures.versions.get(WEFT, '?')}; {versions}."


def _table(figures: Figures, works: Iterable[Work], shown: Shown, unit: str) -> str:
    head = ("work", f"Weft, {unit}", "others (times Weft's)", "peak MiB", "demanded: found")
    return table(head, (_row(figures, work, shown) for work in works))


def _row(figures: Figures, work: Work, shown: Shown) -> list[str]:
    peak = figures.peak(WEFT, work.case)
    others = [_other(figures, work.case, peer, shown) for peer in work.peers]
    demanded = "<br>".join(f"{verdict.demand}: {found(verdict)}" for verdict in work.verdicts(figures))
    return [
        work.title,
        _with_spread(figures.spread(WEFT, work.case), shown),
        "<br>".join(others),
        f"{peak.most:.0f}" if peak else "",
        demanded,
    ]


def _other(figures: Figures, case: str, peer: tuple[str, str], shown: Shown) -> str:
    ratio = figures.ratio(peer, (WEFT, case))
    name = NAMES[peer[0]] + {"commit.1": ", one client", "commit.32": ", 32 clients"}.get(peer[1], "")
    return f"{name} {_with_spread(figures.spread(*peer), shown)} ({'?' if ratio is None else f'{ratio.median:.3g} times'})"


def found(verdict: Verdict) -> str:
    if verdict.found is None:
        return "**not measured**"
    return f"{verdict.found:.3g}" if verdict.met else f"**{verdict.found:.3g}, missed**"


def _micros(value: float) -> str:
    return f"{value:,.0f}"


def _seconds(value: float) -> str:
    return f"{value:.2f}"


def _with_spread(spread: Spread | None, shown: Shown) -> str:
    return "-" if spread is None else f"**{shown(spread.median)}** ({shown(spread.least)} to {shown(spread.most)})"
