"""Importing does nothing: no socket, no thread, no process, no file written. And the command's first answers load nothing heavy."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.places import SRC

HEAVY = [
    "alembic",
    "asyncpg",
    "cel",
    "dependency_injector",
    "fastapi",
    "litellm",
    "mcp",
    "networkx",
    "openai",
    "pydantic",
    "redis",
    "sqlalchemy",
    "uvicorn",
]

WATCH = """
import importlib, json, os, sys, threading

DEEDS = {
    "os.fork", "os.mkdir", "os.putenv", "os.remove", "os.rename",
    "os.rmdir", "os.system", "os.posix_spawn", "shutil.copyfile", "signal.pthread_kill", "socket.__new__", "socket.bind",
    "socket.connect", "socket.getaddrinfo", "sqlite3.connect", "subprocess.Popen",
}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
seen, current = [], ""

def watch(event, arguments):
    if event in DEEDS or (event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES):
        seen.append(f"{current}: {event} {str(arguments[0])[:80]}")

def noted(start):
    def started(*arguments, **named):
        seen.append(f"{current}: a thread")
        return start(*arguments, **named)
    return started

sys.addaudithook(watch)
for name in {"_start_new_thread", "_start_joinable_thread"} & set(vars(threading)):  # no audit event tells of threads
    setattr(threading, name, noted(getattr(threading, name)))
for current in sys.argv[1:]:
    importlib.import_module(current)
print(json.dumps(seen))
"""

LIGHT = """
import atexit, json, sys
sys.argv = ["weft", *sys.argv[1:]]
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
import weft
weft.main()
"""


def modules() -> Iterator[str]:
    """Every module under src. Migrations are scripts that Alembic runs in its own environment."""
    for path in sorted(SRC.rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        if "migrations" not in parts and not any(part.endswith(".egg-info") for part in parts):
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def python(code: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs `code` in an interpreter of its own that finds src, and writes no byte code."""
    environment = {"PYTHONPATH": str(SRC), "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(cwd)}
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def deeds(code: str, *names: str, cwd: Path) -> list[str]:
    found: list[str] = json.loads(python(code, *names, cwd=cwd).stdout.splitlines()[-1])
    return found


def test_importing_every_module_does_nothing(tmp_path: Path) -> None:
    names = list(modules())

    assert names
    assert deeds(WATCH, *names, cwd=tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_no_import_is_slow_or_seeks_the_network_for_a_price_list(tmp_path: Path) -> None:
    loaded = json.loads(python(f"{WATCH}\nprint(json.dumps(sorted(sys.modules)))", *modules(), cwd=tmp_path).stdout.splitlines()[-1])

    assert "litellm" not in loaded


@pytest.mark.parametrize(
    ("line", "deed"),
    [
        pytest.param("import socket; socket.socket().close()", "socket.__new__", id="a socket"),
        pytest.param("import threading; threading.Thread(target=int).start()", "a thread", id="a thread"),
        pytest.param("open('left-behind', 'w').close()", "open left-behind", id="a file"),
        pytest.param("import sqlite3; sqlite3.connect(':memory:')", "sqlite3.connect", id="a database"),
        pytest.param("import subprocess; subprocess.run(['true'])", "subprocess.Popen", id="a process"),
    ],
)
def test_a_module_that_does_something_is_noticed(line: str, deed: str, tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(line)

    found = deeds(f"import sys; sys.path.insert(0, '.')\n{WATCH}", "busy", cwd=tmp_path)

    assert any(row.startswith(f"busy: {deed}") for row in found), found


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_first_answers_load_nothing_heavy(option: str, tmp_path: Path) -> None:
    done = python(LIGHT, option, cwd=tmp_path)

    assert done.stdout.strip()
    assert set(HEAVY) & set(json.loads(done.stderr.splitlines()[-1])) == set()
