"""A client of the REST interface for tests that start real services."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx

from tests.servers import web
from tests.servers.until import until


@dataclass(frozen=True, slots=True)
class Rest:
    url: str

    def start(self, document: Mapping[str, Any], **order: Any) -> str:
        """The id of a run of a whole document."""
        return str(self.post("/v1/runs", {"workflow": document, **order})["id"])

    def run(self, run: str) -> dict[str, Any]:
        return self._json(web.get(f"{self.url}/v1/runs/{run}", timeout=30))

    def ended(self, run: str, seconds: float = 30.0) -> dict[str, Any]:
        """The run once it is final."""
        self._until_final(run, seconds)
        return self.run(run)

    def post(self, path: str, body: Any) -> dict[str, Any]:
        return self._json(web.post(self.url + path, json=body, timeout=30))

    def rows(self, run: str, after: int = 0) -> Iterator[dict[str, Any]]:
        """The run's rows, as its event stream brings them to a reader that comes back, until the end of the run or of the service."""
        with (
            suppress(httpx.RemoteProtocolError, httpx.ReadError),
            web.stream("GET", f"{self.url}/v1/runs/{run}/events", headers={"Last-Event-ID": str(after)}, timeout=30) as answer,
        ):
            assert answer.status_code == httpx.codes.OK, answer.read()
            for line in answer.iter_lines():
                if line.startswith("data: ") and "position" in (row := json.loads(line.removeprefix("data: "))):
                    yield row

    def finished(self, run: str) -> set[str]:
        """Paths of the activations that have a row which says that they finished."""
        return {visit["path"] for visit in self.run(run)["activations"] if visit["status"] == "finished"}

    def _until_final(self, run: str, seconds: float) -> None:
        until(lambda: self.run(run)["ended_at"], f"the end of run {run}", seconds)

    @staticmethod
    def _json(answer: httpx.Response) -> dict[str, Any]:
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found
