"""The files that start Weft among its neighbours are read here as their programs read them; no engine is needed."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.places import ROOT

DEPLOY = ROOT / "deploy"
YAML_FILES = [ROOT / "docker-compose.yml", *sorted(DEPLOY.rglob("*.yml"))]


def document(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def services() -> dict[str, Any]:
    found: dict[str, Any] = document(ROOT / "docker-compose.yml")["services"]
    return found


@pytest.mark.parametrize("path", YAML_FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_of_the_deployment_is_a_yaml_mapping(path: Path) -> None:
    assert isinstance(document(path), dict)


def test_the_composition_has_the_six_services_and_each_says_when_it_is_well() -> None:
    assert set(services()) == {"postgres", "redis", "api", "worker", "prometheus", "grafana"}
    assert [name for name, service in services().items() if not service.get("healthcheck", {}).get("test")] == []


def test_a_service_waits_for_services_that_exist_and_are_well() -> None:
    awaited = [(other, how["condition"]) for service in services().values() for other, how in service.get("depends_on", {}).items()]

    assert awaited
    assert {condition for _, condition in awaited} == {"service_healthy"}
    assert {other for other, _ in awaited} <= set(services())


def test_the_api_executes_nothing_and_the_worker_does() -> None:
    assert "weft serve --no-worker" in services()["api"]["command"][0]
    assert services()["worker"]["command"] == ["worker"]


def test_no_port_is_open_to_other_machines() -> None:
    ports = [port for service in services().values() for port in service.get("ports", [])]

    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_no_secret_stands_in_the_composition() -> None:
    secrets = re.findall(r"(?:PASSWORD|KEYS): (.*)|://\w+:([^@]*)@", (ROOT / "docker-compose.yml").read_text())

    assert secrets
    assert [value for pair in secrets if not (value := pair[0] or pair[1]).startswith("${")] == []


def test_what_the_composition_asks_for_is_in_the_example_of_its_settings() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))

    assert asked == set(re.findall(r"^(\w+)=$", (ROOT / ".env.example").read_text(), re.MULTILINE))


def test_every_folder_the_composition_mounts_is_there() -> None:
    volumes = [volume for service in services().values() for volume in service.get("volumes", [])]
    missing = [volume for volume in volumes if volume.startswith("./") and not (ROOT / volume.split(":")[0]).is_dir()]

    assert missing == []


def test_prometheus_finds_its_rules_and_both_kinds_of_process() -> None:
    settings = document(DEPLOY / "prometheus/prometheus.yml")

    assert [name for name in settings["rule_files"] if not (DEPLOY / "prometheus" / name).is_file()] == []
    assert {job["job_name"] for job in settings["scrape_configs"]} == {"weft-api", "weft-worker"}


def test_the_image_runs_as_nobody_in_particular_and_says_when_it_is_well() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    final = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM")) :]

    assert "USER weft" in final
    assert any(line.startswith("HEALTHCHECK") for line in final)


def test_the_image_gets_the_code_and_nothing_that_is_not_needed() -> None:
    copied = re.findall(r"^COPY (?!--)(\S+?)/? ", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    let_in = re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE)

    assert sorted(copied) == sorted(let_in)
