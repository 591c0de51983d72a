"""How long a document of 10,000 operations takes to import, and how much memory: python -m benchmarks.openapi_import [--operations N]

The document is made here: paths with parameters, bodies whose schemas share 2,000 definitions that lead to each other, some of them in
circles. The real command imports it (`weft tools import --dry-run --json`), with reading and printing; it ends with 1 when that takes more
than 10 seconds or 1 GiB.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

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


def measured(file: Path) -> tuple[dict[str, Any], float, float, float]:
    """What the command printed, its seconds, those of them on a processor, and its peak in MiB."""
    report = file.with_suffix(".report")
    words = [sys.executable, "-m", "weft", "tools", "import", str(file), "--dry-run", "--json"]
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
        shown, seconds, busy, mib = measured(file)
    tools = len(shown["tools"])
    print(
        f"{shown['operations']:,} operations in {size:.1f} MiB: {tools:,} tools in {seconds:.2f} s ({busy:.2f} s busy), peak {mib:.0f} MiB"
    )
    return 0 if tools == given.operations and seconds <= MOST_SECONDS and mib <= MOST_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
