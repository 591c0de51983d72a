"""The real Prometheus, with the configuration that is shipped, scrapes a service and its worker under load: every panel has something to
show."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.deploy.panels import BOARDS, DEPLOY, board, panel_queries, substituted
from tests.servers.commands import commands
from tests.servers.prometheus import Prometheus, command, running_prometheus
from tests.servers.rest import Rest
from tests.servers.until import until

pytestmark = [pytest.mark.processes, pytest.mark.slow]

MAY_BE_EMPTY: Final[dict[str, str]] = {}
"""Panels that rightly show nothing here, and why."""


@dataclass(frozen=True, slots=True)
class Site:
    prometheus: Prometheus
    rest: Rest


def node(name: str, what: dict[str, Any]) -> dict[str, Any]:
    return {
        "weft": 1,
        "name": name,
        "version": "1.0.0",
        "state": {"text": {"type": "string"}},
        "nodes": {"only": what},
        "edges": [{"from": "start", "to": "only"}],
    }


ANSWERED: Final = node("answered", {"kind": "llm", "model": "fast", "prompt": "Say something.", "writes": {"text": "${output.text}"}})
REFUSED: Final = node(
    "refused",
    {
        "kind": "llm",
        "model": "scripted/rules",
        "prompt": "Say something.",
        "options": {"rules": [{"fail": {"code": "model_auth"}}]},
        "writes": {"text": "${output.text}"},
    },
)
DIVIDED: Final = node("divided", {"kind": "tool", "tool": "calculator", "arguments": {"expression": "1 / 0"}})
CAPPED: Final = node(
    "capped",
    {
        "kind": "llm",
        "model": "scripted/assistant",
        "prompt": "hello",
        "max_tokens": 4,
        "options": {"rules": [{"answer": "aaaa bbbb cccc"}]},
        "writes": {"text": "${output.text}"},
    },
)
"""Reserves and uses 10 tokens."""
BUDGET: Final = {"name": "month", "limit": {"tokens": 35}, "scope": {"workflow": "capped"}, "per": "month"}
PARKED: Final = node("parked", {"kind": "wait", "signal": "go"})


@contextmanager
def load(rest: Rest) -> Iterator[None]:
    """Runs of each kind, again and again, until nobody looks any more."""
    over = threading.Event()

    def start() -> None:
        while not over.wait(0.1):
            for document in (ANSWERED, REFUSED, DIVIDED):
                rest.start(document)

    thread = threading.Thread(target=start, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    command("prometheus")
    folder = tmp_path_factory.mktemp("scraped")
    with commands(folder / "weft", {"WEFT_DATABASE_URL": f"sqlite:///{folder}/weft.db"}) as started:
        api, worker = started.serve("--no-worker"), started.worker()
        rest = Rest(api.url())
        rest.start(PARKED)
        rest.post("/v1/budgets", BUDGET)
        for _ in range(3):
            assert rest.ended(rest.start(CAPPED))["status"] == "completed"
        targets = {"weft-api": [address(api.url())], "weft-worker": [address(worker.url())]}
        with load(rest), running_prometheus(folder / "prometheus", DEPLOY / "prometheus/prometheus.yml", targets) as prometheus:
            yield Site(prometheus, rest)


def address(url: str) -> str:
    return url.removeprefix("http://")


def test_every_panel_of_every_dashboard_has_something_to_show(site: Site) -> None:
    waiting = {name: substituted(expression) for name, expression in panel_queries() if name not in MAY_BE_EMPTY}

    def all_there() -> bool:
        for name in [name for name, expression in waiting.items() if site.prometheus.values(expression)]:
            del waiting[name]
        return not waiting

    with suppress(AssertionError):
        until(all_there, "something on every panel", 45)

    assert sorted(waiting) == [], "nothing to show after 45 s"


def test_what_a_reader_picks_from_is_there(site: Site) -> None:
    questions = [variable["query"]["query"] for path in BOARDS for variable in board(path)["templating"]["list"]]
    pairs = [question.removeprefix("label_values(").removesuffix(")").split(", ") for question in questions]

    assert pairs
    assert all(site.prometheus.get(f"label/{label}/values", **{"match[]": metric}) for metric, label in pairs)


def test_all_targets_answer_and_all_rules_can_be_evaluated(site: Site) -> None:
    def evaluated() -> list[dict[str, Any]]:
        groups = site.prometheus.get("rules")["groups"]
        return [rule for group in groups for rule in group["rules"] if rule["health"] != "unknown"]

    def is_healthy(target: dict[str, Any]) -> bool:
        return bool(target["health"] == "up")

    assert until(lambda: all(map(is_healthy, site.prometheus.get("targets")["activeTargets"])), "healthy targets")
    assert len(until(evaluated, "evaluated rules")) > 0
    assert [rule for rule in evaluated() if rule["health"] != "ok"] == []


def test_alerts_fire_for_what_is_wrong_here(site: Site) -> None:
    def firing() -> set[str]:
        return {alert["labels"]["alertname"] for alert in site.prometheus.get("alerts")["alerts"] if alert["state"] == "firing"}

    wanted = {"WeftBudgetIsNearlySpent", "WeftProviderRefusesTheKey"}
    assert until(lambda: wanted <= firing(), f"{sorted(wanted)}")
    assert "WeftDown" not in firing()
