"""A client that starts runs and writes down what it was told: the acknowledgements, and every row a reader got.

`python -m tests.integration.faults.client` is a process of its own, so that it outlives whatever is done to Weft.
"""

import asyncio
import json
import random
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx

MOST_TRIES = 2_000
GONE = (httpx.TransportError,)
NOT_HEARD = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""The request reached nobody."""


def is_cut(error: httpx.TransportError) -> bool:
    """Was an answer broken off? A connection that was kept, and closed before anything was answered on it, is nobody's answer."""
    return not isinstance(error, NOT_HEARD) and "without sending a response" not in str(error)


@dataclass(frozen=True, slots=True)
class Errand:
    """`count` runs of `workflow` under the keys `prefix-0` ..., `at_once` at a time, spread over some seconds.

    `readers`: the share of runs whose rows are read. `cancels`: the share that is cancelled, within `cancel_within` seconds."""

    urls: tuple[str, ...]
    count: int
    out: str
    workflow: str = "standard"
    prefix: str = "run"
    at_once: int = 8
    spread_seconds: float = 0.0
    readers: float = 0.0
    cancels: float = 0.0
    cancel_within: float = 2.0
    keyed: bool = True
    seed: int = 0


@dataclass(slots=True)
class Reading:
    """`last`: the number of the newest row that came, over all connections."""

    run: str
    last: int = 0
    is_over: bool = False


@dataclass(slots=True)
class Client:
    errand: Errand
    http: httpx.AsyncClient
    chance: random.Random
    background: set["asyncio.Task[None]"] = field(default_factory=set)

    async def start_all(self) -> None:
        loop = asyncio.get_running_loop()
        began, pace = loop.time(), self.errand.spread_seconds / self.errand.count
        numbers = iter(range(self.errand.count))

        async def one_after_the_other() -> None:
            for number in numbers:
                await asyncio.sleep(began + number * pace - loop.time())
                await self._start(number)

        await asyncio.gather(*(one_after_the_other() for _ in range(self.errand.at_once)))
        self._note({"what": "all started"})
        await asyncio.gather(*self.background)

    async def _start(self, number: int) -> None:
        """Asks again, under the same key, until it is acknowledged."""
        errand, key = self.errand, f"{self.errand.prefix}-{number}"
        headers = {"Idempotency-Key": key} if errand.keyed else {}
        answer = await self._ask("POST", "/v1/runs", {"workflow": errand.workflow, "input": {"account": key}}, headers)
        if answer is None or not answer.is_success:
            return
        run = answer.json()["id"]
        self._note({"what": "ack", "key": key, "run": run})
        if self.chance.random() < errand.readers:
            self._beside(self._read(run))
        if self.chance.random() < errand.cancels:
            self._beside(self._cancel(run, self.chance.uniform(0, errand.cancel_within)))

    async def _ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> httpx.Response | None:
        """What a 503 and a broken connection are worth: another try. Everything else that is no success is written down."""
        for _ in range(MOST_TRIES):
            try:
                answer = await self.http.request(method, self._url() + path, json=body, headers=headers)
            except GONE as error:
                self._note_cut(error, path)
                await asyncio.sleep(0.05)
                continue
            if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and "retry-after" in answer.headers:
                self._note({"what": "busy"})
                await asyncio.sleep(0.1)
                continue
            if not answer.is_success:
                self._note({"what": "refused", "path": path, "status": answer.status_code, "body": answer.text[:500]})
            return answer
        self._note({"what": "gave up", "path": path})
        return None

    async def _cancel(self, run: str, after: float) -> None:
        await asyncio.sleep(after)
        answer = await self._ask("POST", f"/v1/runs/{run}/cancel", {}, {})
        if answer is not None and answer.is_success:
            self._note({"what": "cancel", "run": run})

    async def _read(self, run: str) -> None:
        """Goes away after a few rows, and comes back with the last number, until the stream says that it is over."""
        reading = Reading(run)
        for tries in range(MOST_TRIES):
            if reading.is_over:
                return
            try:
                await self._read_some(reading, self.chance.randint(1, 6) + tries)
            except GONE as error:
                self._note_cut(error, "events")
                await asyncio.sleep(0.05)

    async def _read_some(self, reading: Reading, most: int) -> None:
        headers = {"Last-Event-ID": str(reading.last)} if reading.last else {}
        async with self.http.stream("GET", f"{self._url()}/v1/runs/{reading.run}/events", headers=headers) as answer:
            if not answer.is_success:
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    body = (await answer.aread()).decode(errors="replace")
                    self._note({"what": "refused", "path": "events", "status": answer.status_code, "body": body[:500]})
                await asyncio.sleep(0.1)
                return
            async for line in answer.aiter_lines():
                if line == "event: end":
                    reading.is_over = True
                    return
                if line.startswith("data: ") and "position" in (row := json.loads(line[6:])):
                    reading.last, most = row["position"], most - 1
                    self._note({"what": "row", "run": reading.run, "position": reading.last, "type": row["type"]})
                if most == 0:
                    return

    def _note_cut(self, error: httpx.TransportError, path: str) -> None:
        if is_cut(error):
            self._note({"what": "cut", "path": path, "error": repr(error)[:200]})

    def _url(self) -> str:
        return self.chance.choice(self.errand.urls)

    def _beside(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self.background.add(task)

    def _note(self, line: dict[str, Any]) -> None:
        with Path(self.errand.out).open("a") as file:
            file.write(json.dumps(line) + "\n")


def told(errand: Errand) -> list[str]:
    """What stands on the command line of the process that runs it."""
    return [json.dumps(asdict(errand))]


async def main(errand: Errand) -> None:
    limits = httpx.Limits(max_connections=200)
    timeout = httpx.Timeout(30, read=60)
    async with httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False) as http:
        await Client(errand, http, random.Random(errand.seed)).start_all()


if __name__ == "__main__":
    asyncio.run(main(Errand(**json.loads(sys.argv[1]))))
