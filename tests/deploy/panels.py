"""Every question of every dashboard and rule, as files have it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.architecture.places import ROOT

DEPLOY = ROOT / "deploy"
RULES = sorted(path for path in (DEPLOY / "prometheus").glob("*.yml") if path.name != "prometheus.yml")
BOARDS = sorted((DEPLOY / "grafana/dashboards").glob("*.json"))
SUBSTITUTES = {"$__rate_interval": "5s", "$__range": "5m", "$workflow": ".*", "$tenant": ".*"}
"""As Grafana puts them in where Prometheus scrapes every second and a reader picks everything."""
_NAME = re.compile(r"\b(?:weft_|gen_ai_client_|weft:)[\w:]+")


def board(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def panel_queries() -> Iterator[tuple[str, str]]:
    """Board and panel, and what it asks."""
    for path in BOARDS:
        found = board(path)
        for panel in found["panels"]:
            for target in panel["targets"]:
                yield f"{found['title']}: {panel['title']} ({target['refId']})", target["expr"]


def rules() -> list[dict[str, Any]]:
    return [rule for path in RULES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def substituted(expression: str) -> str:
    for variable, value in SUBSTITUTES.items():
        expression = expression.replace(variable, value)
    return expression


def asked(expression: str) -> set[str]:
    """Metrics by the names that they are made with."""
    names = (match.group() for match in _NAME.finditer(expression))
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in names}
