"""How pictures look, on light paper and on dark."""

from typing import Final

from domain.graph.picture import COLOURS, ERROR_INK, OTHER, Stroke

_DARK: Final = {
    "llm": ("#172554", "#60a5fa"),
    "tool": ("#052e16", "#4ade80"),
    "transform": ("#1e293b", "#94a3b8"),
    "map": ("#2e1065", "#a78bfa"),
    "workflow": ("#083344", "#22d3ee"),
    "wait": ("#451a03", "#fbbf24"),
    "terminate": ("#450a0a", "#f87171"),
    "other": ("#500724", "#f472b6"),
}
_LINES: Final = {Stroke.ALWAYS: "#475569", Stroke.CONDITION: "#0369a1", Stroke.ROUTE: "#7e22ce", Stroke.ERROR: ERROR_INK}
_DARK_LINES: Final = {Stroke.ALWAYS: "#94a3b8", Stroke.CONDITION: "#38bdf8", Stroke.ROUTE: "#c084fc", Stroke.ERROR: "#f87171"}

_SHAPES: Final = """.weft text{font-family:system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;text-anchor:middle}
.weft .id{font-size:13px;font-weight:600}
.weft .told{font-size:11px}
.weft .word{font-size:10px;font-weight:600}
.weft .label{font-size:11px;paint-order:stroke;stroke-width:4px;stroke-linejoin:round}
.weft .box{stroke-width:1.5}
.weft .line{fill:none;stroke-width:1.5}
.weft .error{stroke-dasharray:5 4}
.weft .head{stroke:none}
.weft .inner{stroke-dasharray:2 3;fill-opacity:.5}"""


def stylesheet() -> str:
    light = {**COLOURS, "other": OTHER}
    return "\n".join([_SHAPES, *_paper(light, _LINES, "#ffffff", "#0f172a", "#475569"), *_in_the_dark()])


def _in_the_dark() -> list[str]:
    rules = _paper(_DARK, _DARK_LINES, "#0f172a", "#f1f5f9", "#cbd5e1")
    return ["@media (prefers-color-scheme:dark){", *rules, "}"]


def _paper(kinds: dict[str, tuple[str, str]], lines: dict[Stroke, str], paper: str, ink: str, pale: str) -> list[str]:
    return [
        f".weft .paper{{fill:{paper}}}",
        f".weft .id{{fill:{ink}}}.weft .told{{fill:{pale}}}.weft .label{{stroke:{paper}}}",
        f".weft .dot{{fill:{pale}}}.weft .word{{fill:{paper}}}",
        f".weft .inner{{fill:{paper};stroke:{pale}}}",
        *(f".weft .k-{kind}{{fill:{fill};stroke:{line}}}" for kind, (fill, line) in kinds.items()),
        *(
            f".weft .line.{stroke}{{stroke:{line}}}.weft .label.{stroke},.weft .head.{stroke}{{fill:{line}}}"
            for stroke, line in lines.items()
        ),
    ]
