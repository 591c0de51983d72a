"""`weft demo`: a real service in a process of its own, and a real run watched through REST."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

import httpx

from interface.cli.client import Server, connected
from interface.cli.documents import read_bytes, read_document
from interface.cli.failures import CommandFailed, Exit
from interface.cli.happenings import Members
from interface.cli.live import display
from interface.cli.printing import ending, print_output
from interface.cli.stopping import stopping_signals

_WORKFLOW: Final = Path("support_triage.yaml")
_INPUT: Final = Path("data/ticket.json")
_READY_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 20.0
_CHUNK_SECONDS: Final = "0.01"
"""How slowly the offline model talks, so that people can watch."""


@dataclass(frozen=True, slots=True)
class Demo:
    """`examples`: the folder they lie in. `folder`: where the service keeps its database and log."""

    examples: Path
    folder: Path
    port: int
    stays: bool = True
    detached: bool = False

    def __call__(self) -> int:
        """The exit code. Ctrl-C stops the service, and is how the demo ends when it stays."""
        self._look_for_examples()
        with _service(self.folder, free_port(self.port), self.detached) as service, connected(service.url, None) as server:
            run = self._show(server)
            if run["status"] != "completed":
                return Exit.FAILED
            if self.detached:
                print(f"\nThe service goes on at {service.url}; stop it with: kill {service.process.pid}")
            elif self.stays:
                self._stay(service)
        return Exit.DONE

    def _look_for_examples(self) -> None:
        for path in (_WORKFLOW, _INPUT):
            if not (self.examples / path).is_file():
                raise CommandFailed(
                    f"{self.examples / path} is not there: type this in the folder of Weft's repository, or give --examples"
                )

    def _show(self, server: Server) -> Members:
        file = self.examples / _WORKFLOW
        published, _ = server.post_document("/v1/workflows", read_bytes(file), "application/yaml", str(file))
        name = f"{published['name']}@{published['version']}"
        print(f"Published {name} from {file}; starting it on {self.examples / _INPUT}", flush=True)
        started = server.post("/v1/runs", {"workflow": name, "input": read_document(self.examples / _INPUT).document})
        with display(name) as shown:
            for happening in server.follow(started["id"], chunks=True):
                shown.see(happening)
        run: Members = server.get(f"/v1/runs/{started['id']}")
        print("\nOutput:")
        print_output(run["output"])
        print(f"\n{ending(run)}\n{_who_answered(server)}", flush=True)
        return run

    def _stay(self, service: "RunningService") -> None:
        print(f"\nThe service is up at {service.url} (log: {service.log}). Try next:\n")
        for command in next_commands(service.url, self.examples):
            print(f"  {command}")
        print("\nCtrl-C stops it.", flush=True)
        code = service.process.wait()
        raise CommandFailed(f"the service ended by itself with {code}; its log is {service.log}", code=Exit.FAILED)


def next_commands(url: str, examples: Path) -> tuple[str, str, str]:
    weft = _command()
    return (
        f"curl {url}/v1/runs",
        f"{weft} run {examples / _WORKFLOW} --input @{examples / _INPUT} --watch",
        f"{weft} graph {examples / _WORKFLOW} --format mermaid",
    )


def _command() -> str:
    """As it can be typed in this shell: `make run` does not put the environment's commands on its path."""
    beside = Path(sys.executable).with_name("weft")
    if shutil.which("weft") or not beside.is_file():
        return "weft"
    return str(beside.relative_to(Path.cwd()) if beside.is_relative_to(Path.cwd()) else beside)


def _who_answered(server: Server) -> str:
    aliases = {model["name"]: model for model in server.items("/v1/models", 200) if model["name"] != model["resolves_to"]}
    offline = sorted({model["resolves_to"] for model in aliases.values() if model["scripted"]})
    if not offline:
        return "Models: " + ", ".join(f"{name} = {model['resolves_to']}" for name, model in aliases.items())
    return (
        f"The offline model {', '.join(offline)} answered: scripted, without network or key, its price invented. "
        "For real answers set WEFT_MODELS__fast and WEFT_MODELS__careful, as in WEFT_MODELS__fast=openai/gpt-4o-mini"
    )


@dataclass(frozen=True, slots=True)
class RunningService:
    url: str
    log: Path
    process: "subprocess.Popen[bytes]"

    def wait_until_ready(self) -> None:
        """`CommandFailed` with the end of its log when it is not within a minute, or ends."""
        end = time.monotonic() + _READY_SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            if _answers(f"{self.url}/readyz"):
                return
            time.sleep(0.05)
        tail = self.log.read_text(errors="replace").splitlines()[-5:]
        raise CommandFailed(f"the service did not start; the end of {self.log} says:", tail, Exit.FAILED)

    def stop(self) -> None:
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def _service(folder: Path, port: int, detached: bool) -> Iterator[RunningService]:
    """`weft serve`, ready, in a session of its own: a Ctrl-C reaches it through us. Stopped at the end, unless it is detached."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "serve.log"
    command = [sys.executable, "-m", "weft", "serve", "--port", str(port), "--database", f"sqlite:///{folder / 'weft.db'}"]
    environment = {"WEFT_SCRIPTED_CHUNK_SECONDS": _CHUNK_SECONDS, **os.environ}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, env=environment
        )
    service = RunningService(f"http://127.0.0.1:{port}", log, process)
    goes_on = False
    try:
        with _signals_interrupt():
            service.wait_until_ready()
            yield service
            goes_on = detached
    finally:
        if not goes_on:
            service.stop()


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """A terminal that is closed, and a `kill`, end us as Ctrl-C does: so that the service is not left behind."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in stopping_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1.0, trust_env=False).is_success
    except httpx.TransportError:
        return False


def free_port(wanted: int) -> int:
    """`wanted` when nothing listens there, else any."""
    for port in (wanted, 0):
        try:
            with socket.create_server(("127.0.0.1", port)) as probe:
                found: int = probe.getsockname()[1]
                return found
        except OSError:
            continue
    raise CommandFailed("no port of this machine is free")
