"""The real Prometheus, as Debian packages it, over a configuration of ours with other targets."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.servers import web
from tests.servers.ports import free_port
from tests.servers.until import until

HERE = "127.0.0.1"


def command(name: str) -> str:
    """Where it is; without it the test is skipped, which CI=true does not allow."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name}: sudo apt-get install -y prometheus")
    return found


@dataclass(frozen=True, slots=True)
class Prometheus:
    url: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The vector as it is now; AssertionError with what is wrong about the expression."""
        answer = web.get(f"{self.url}/api/v1/query", params={"query": expression}, timeout=10)
        assert answer.status_code == httpx.codes.OK, f"{expression}: {answer.text}"
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def values(self, expression: str) -> list[float]:
        """Without what is no number: a share of nothing."""
        found = [float(series["value"][1]) for series in self.query(expression)]
        return [value for value in found if value == value]

    def get(self, path: str, **parameters: str) -> Any:
        answer = web.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=10)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()["data"]


@contextmanager
def running_prometheus(folder: Path, configuration: Path, targets: Mapping[str, Sequence[str]]) -> Iterator[Prometheus]:
    """`targets`: `host:port` by job, in place of those of the configuration. It scrapes and evaluates every second."""
    folder.mkdir(parents=True, exist_ok=True)
    url = f"http://{HERE}:{free_port()}"
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(_with(configuration, targets)))
    arguments = [f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={url[len('http://') :]}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([command("prometheus"), *arguments, "--log.level=warn"], stdout=log, stderr=log)
    try:
        until(lambda: _is_ready(url, process), "Prometheus", 30)
        yield Prometheus(url)
    finally:
        process.terminate()
        process.wait(30)


def _with(configuration: Path, targets: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(configuration.read_text())
    assert {job["job_name"] for job in document["scrape_configs"]} == set(targets)
    document["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    document["rule_files"] = [str(configuration.parent / name) for name in document["rule_files"]]
    document["scrape_configs"] = [{"job_name": job, "static_configs": [{"targets": list(where)}]} for job, where in targets.items()]
    return document


def _is_ready(url: str, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, "Prometheus went away"
    try:
        return web.get(f"{url}/-/ready", timeout=5).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
