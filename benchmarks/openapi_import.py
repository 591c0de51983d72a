"""How long a document of 10,000 operations takes to import, and how much memory: python -m benchmarks.openapi_import [--operations N]

The document is made here: paths with parameters, bodies whose schemas share 2,000 definitions that lead to each other, some of them in
circles. The real command imports it twice, with reading and printing: into nothing (`weft tools import --dry-run --json`), then into a real
service on SQLite, which checks and keeps every tool. It ends with 1 when one of the two takes more than 10 seconds or 1 GiB.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.servers.commands import commands

OPERATIONS: Final = 10_000
DEFINITIONS: Final = 2_000
MOST_SECONDS: Final = 10.0
MOST_MIB: Final = 1024
METHODS: Final = ("get", "post", "put", "delete", "patch")


def document_of(operations: int) -> dict[str, Any]:
    """The same for the same number."""
    paths = {f"/resources_{number}/{{owner}}/{{id}}": _path(number) for number in range(-(-operations // len(METHODS)))}
    return {
        "openapi": "3.0.3",
        "info": {"title": "A big service", "version": "1.0.0"},
        "servers": [{"url": "https://api.example.com/v1"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {f"Resource{number}": _schema(number) for number in range(DEFINITIONS)},
        },
    }


def _path(number: int) -> dict[str, Any]:
    shared = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in ("owner", "id")]
    return {"parameters": shared, **{method: _operation(method, number) for method in METHODS}}


def _operation(method: str, number: int) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/Resource{number % DEFINITIONS}"}
    content = {"application/json": {"schema": schema}}
    return {
        "operationId": f"{method}-resource-{number}",
        "summary": f"{method} resource {number}",
        "description": "What it does, at some length. " * 5,
        "tags": [f"group-{number % 50}"],
        "parameters": [{"name": f"filter[{one}]", "in": "query", "schema": {"type": "integer", "minimum": 0}} for one in range(4)],
        "responses": {"200": {"description": "It is done.", "content": content}},
        **({"requestBody": {"required": True, "content": content}} if method in ("post", "put", "patch") else {}),
    }


def _schema(number: int) -> dict[str, Any]:
    """Leads to the next one of its ten, and to the first of another ten."""
    neighbours = {"next": number // 10 * 10 + (number + 1) % 10, "other": (number * 7) // 10 * 10 % DEFINITIONS}
    fields = {f"field_{one}": {"type": "string", "description": "A field of it.", "nullable": True, "example": "x"} for one in range(8)}
    return {
        "type": "object",
        "required": ["field_0"],
        "properties": {**fields, **{name: {"$ref": f"#/components/schemas/Resource{to}"} for name, to in neighbours.items()}},
    }


@dataclass(frozen=True, slots=True)
class Registered:
    """`busy` and `service_busy`: seconds on a processor, of the command and of the service meanwhile; so with the peaks in MiB."""

    seconds: float
    busy: float
    mib: float
    service_busy: float
    service_mib: float


def registered(file: Path, tools: int) -> Registered:
    """The import into a service that has just begun to listen."""
    with commands(file.parent / "service", {}) as there:
        service = there.serve()
        before = _busy(service.pid)
        shown, seconds, busy, mib = measured(file, "--server", service.url())
        assert shown["new"] == tools, f"{shown['new']} tools are registered, and there are {tools}"
        return Registered(seconds, busy, mib, _busy(service.pid) - before, _peak(service.pid))


def _busy(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def measured(file: Path, *where: str) -> tuple[dict[str, Any], float, float, float]:
    """What the command printed, its seconds, those of them on a processor, and its peak in MiB."""
    report = file.with_suffix(".report")
    words = [sys.executable, "-m", "weft", "tools", "import", str(file), "--json", *where]
    began = time.perf_counter()
    child = os.posix_spawn(
        sys.executable, words, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, str(report), os.O_CREAT | os.O_WRONLY, 0o600)]
    )
    _, status, used = os.wait4(child, 0)
    seconds = time.perf_counter() - began
    assert os.waitstatus_to_exitcode(status) == 0, "the command failed"
    return json.loads(report.read_text()), seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=OPERATIONS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "openapi.json"
        file.write_text(json.dumps(document_of(given.operations)))
        size = file.stat().st_size / 1024**2
        shown, seconds, busy, mib = measured(file, "--dry-run")
        tools = len(shown["tools"])
        print(
            f"{shown['operations']:,} operations in {size:.1f} MiB: {tools:,} tools in {seconds:.2f} s ({busy:.2f} s busy), {mib:.0f} MiB"
        )
        kept = registered(file, tools)
    print(
        f"registered in {kept.seconds:.2f} s: the command {kept.busy:.2f} s busy, {kept.mib:.0f} MiB; "
        f"the service {kept.service_busy:.2f} s busy, {kept.service_mib:.0f} MiB"
    )
    is_whole = tools == given.operations
    is_quick = max(seconds, kept.seconds) <= MOST_SECONDS
    return 0 if is_whole and is_quick and max(mib, kept.mib, kept.service_mib) <= MOST_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
