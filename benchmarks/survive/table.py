"""The table "Under load" of docs/benchmarks.md."""

from collections.abc import Mapping
from typing import Any

from benchmarks.bounds import NAMES, WEFT
from benchmarks.figures import Figures, Spread
from benchmarks.page import found, table, where
from benchmarks.survive.demands import LOADS, Load, Shown

HEAD = ("work", "Weft", "others (times Weft's)", "peak MiB", "demanded: found")


def loads_text(figures: Figures, machine: Mapping[str, Any], rounds: int) -> str:
    return "\n\n".join([where(figures, machine, rounds), table(HEAD, (_row(figures, load) for load in LOADS))])


def _row(figures: Figures, load: Load) -> list[str]:
    peak = figures.peak(WEFT, load.case)
    demanded = "<br>".join(f"{verdict.demand}: {found(verdict)}" for verdict in load.verdicts(figures))
    shown = "<br>".join(_shown(figures, load.case, one) for one in load.shown)
    others = "<br>".join(_other(figures, load.case, peer) for peer in load.peers)
    return [load.title, shown, others, f"{peak.most:.0f}" if peak else "", demanded]


def _shown(figures: Figures, case: str, one: Shown) -> str:
    """The case's own value stands out, and says how far its rounds lie apart."""
    spread = figures.spread(WEFT, f"{case}:{one.detail}" if one.detail else case)
    if spread is None:
        return "-"
    return one.form.format(spread.median) if one.detail else f"**{one.form.format(spread.median)}** {_ends(one.form, spread)}"


def _ends(form: str, spread: Spread) -> str:
    number = form[form.index("{") : form.index("}") + 1]
    return f"({number.format(spread.least)} to {number.format(spread.most)})"


def _other(figures: Figures, case: str, peer: tuple[str, str]) -> str:
    """Microseconds; a ratio where both count the same."""
    who, theirs = peer
    spread = figures.spread(*peer)
    clients = f", {theirs.removeprefix('commit.')} clients, a commit" if theirs.startswith("commit.") else ""
    measured = "-" if spread is None else f"**{spread.median:,.0f} µs** {_ends('{:,.0f}', spread)}"
    ratio = figures.ratio(peer, (WEFT, case)) if theirs == case else None
    return f"{NAMES[who]}{clients} {measured}" + (f" ({ratio.median:.3g} times)" if ratio else "")
