"""One module opens connections to addresses that somebody may choose. Nothing beside it does, however it is spelled."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.places import SRC

CONNECTING = {
    *("socket", "ssl", "httpx", "httpx2", "httpcore", "httpcore2", "aiohttp", "requests", "urllib3", "websockets"),
    *("ftplib", "smtplib", "telnetlib", "opentelemetry"),
}
PARTS = {"urllib.request", "http.client", "xmlrpc.client"}
CALLS = {"open_connection", "create_connection", "create_server", "start_server", "sock_connect", "urlopen", "open_unix_connection"}
ALLOWED = {
    "infrastructure/outgoing": "the door",
    "infrastructure/models/openai.py": "where models are is the owner's decision, and no document's",
    "infrastructure/telemetry/otlp.py": "traces go to the one address that the owner of the service has set",
    "interface/cli/client.py": "the command speaks to the server that its user names",
    "interface/cli/demo.py": "the demonstration speaks to the service that it has started",
    "interface/cli/serving.py": "the service listens",
}


def connections(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names if _connects(alias.name))
            case ast.ImportFrom(module=str(module), names=names):
                yield from (name for name in (module, *(f"{module}.{alias.name}" for alias in names)) if _connects(name))
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in CALLS:
                yield f"{name}()"


def _connects(module: str) -> bool:
    return module.split(".")[0] in CONNECTING or ".".join(module.split(".")[:2]) in PARTS


def test_only_the_door_opens_connections_to_others() -> None:
    found = {
        f"{place}: {what}"
        for path in SRC.rglob("*.py")
        if not (place := path.relative_to(SRC).as_posix()).startswith(tuple(ALLOWED))
        for what in connections(path.read_text())
    }
    assert found == set()


@pytest.mark.parametrize("place", ALLOWED)
def test_every_exception_is_still_one(place: str) -> None:
    files = (SRC / place).rglob("*.py") if (SRC / place).is_dir() else [SRC / place]
    assert any(set(connections(path.read_text())) for path in files)


@pytest.mark.parametrize(
    "source",
    [
        "import socket",
        "def f():\n    import httpx as h",
        "from urllib import request",
        "from urllib.request import urlopen",
        "import http.client",
        "from http.client import HTTPConnection",
        "async def f():\n    await asyncio.open_connection('a', 1)",
        "loop.create_connection(f, 'a', 1)",
    ],
)
def test_another_way_out_is_noticed(source: str) -> None:
    assert list(connections(source))
