"""Dashboards as Grafana reads them, from what a person says of a panel: a title, questions, a unit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

SCHEMA: Final = 39
COLUMNS: Final = 24
SOURCE: Final = {"type": "prometheus", "uid": "prometheus"}


@dataclass(frozen=True, slots=True)
class Query:
    """`legend` with `{{label}}` in it, or a name."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """`about` is behind the small i: what to do when it looks bad. `width` of 24 columns. `steps`: from which value on it turns orange, and
    red."""

    title: str
    queries: Sequence[Query]
    unit: str = "short"
    about: str = ""
    kind: str = "timeseries"
    width: int = 12
    height: int = 8
    steps: tuple[float, float] | None = None
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """What a reader picks from: the values of `label` of `metric`."""

    name: str
    metric: str

    @property
    def query(self) -> str:
        return f"label_values({self.metric}, {self.name})"


@dataclass(frozen=True, slots=True)
class Board:
    uid: str
    title: str
    panels: Sequence[Panel]
    variables: Sequence[Variable] = ()


def document(board: Board) -> dict[str, Any]:
    return {
        "uid": board.uid,
        "title": board.title,
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "tags": ["weft"],
        "links": [{"type": "dashboards", "title": "Weft", "tags": ["weft"], "asDropdown": True, "keepTime": True, "includeVars": True}],
        "templating": {"list": [_variable(one) for one in board.variables]},
        "panels": [
            _panel(number, panel, place) for number, (panel, place) in enumerate(zip(board.panels, _places(board.panels), strict=True), 1)
        ],
    }


def _places(panels: Sequence[Panel]) -> Iterator[dict[str, int]]:
    """From left to right, and below when a row is full."""
    x, y, tallest = 0, 0, 0
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        yield {"x": x, "y": y, "w": panel.width, "h": panel.height}
        x, tallest = x + panel.width, max(tallest, panel.height)


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
        "targets": [_target(letter, query, panel) for letter, query in zip("ABCDEFGH", panel.queries, strict=False)],
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    found: dict[str, Any] = {"unit": panel.unit, "min": 0}
    if panel.stacked:
        found["custom"] = {"stacking": {"mode": "normal"}, "fillOpacity": 30}
    if panel.steps is not None:
        orange, red = panel.steps
        colours = [{"color": "green", "value": None}, {"color": "orange", "value": orange}, {"color": "red", "value": red}]
        found["thresholds"] = {"mode": "absolute", "steps": colours}
    return found


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "timeseries":
        return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
    return {"reduceOptions": {"calcs": ["lastNotNull"]}}


def _target(letter: str, query: Query, panel: Panel) -> dict[str, Any]:
    return {"refId": letter, "expr": query.expression, "legendFormat": query.legend, "instant": panel.kind != "timeseries"}


def _variable(one: Variable) -> dict[str, Any]:
    return {
        "name": one.name,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": one.query, "refId": one.name},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }
