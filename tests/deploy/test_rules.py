"""Rules as Prometheus reads them, played by promtool."""

import subprocess
from pathlib import Path

import pytest
import yaml

from infrastructure.telemetry.metrics import PrometheusMeter
from tests.deploy.panels import DEPLOY, RULES, rules
from tests.servers.prometheus import command

PLAYED = Path(__file__).parent / "rules" / "alerts.yml"


def promtool(*arguments: str, told: str = "") -> str:
    done = subprocess.run([command("promtool"), *arguments], input=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_prometheus_takes_the_rules(path: Path) -> None:
    assert "SUCCESS" in promtool("check", "rules", "--lint=all", "--lint-fatal", str(path))


def test_prometheus_takes_the_configuration() -> None:
    assert f"SUCCESS: {len(RULES)} rule files found" in promtool("check", "config", str(DEPLOY / "prometheus/prometheus.yml"))


def test_alerts_fire_when_they_should_and_not_before() -> None:
    assert "SUCCESS" in promtool("test", "rules", str(PLAYED))


def test_every_alert_is_seen_to_fire_and_to_be_silent() -> None:
    played = [case for test in yaml.safe_load(PLAYED.read_text())["tests"] for case in test["alert_rule_test"]]
    alerts = {rule["alert"] for rule in rules() if "alert" in rule}

    assert {case["alertname"] for case in played if case.get("exp_alerts")} == alerts
    assert {case["alertname"] for case in played if not case.get("exp_alerts")} == alerts


def test_names_of_metrics_are_as_prometheus_wants_them() -> None:
    assert promtool("check", "metrics", told=PrometheusMeter().render()[0].decode()) == "", "it finds nothing to say"
