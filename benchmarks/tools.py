"""What tools cost: a call through the gate, a decision among 500 rules, a call of an MCP server, an import of 10,000 operations.

    python -m benchmarks.tools [--rounds 5]

Writes benchmarks/results/tools.json and the table of docs/benchmarks.md when as many rounds as always were played. Ends with 1 when a bound
is missed.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks import mcp_call, openapi_import, tool_calls
from benchmarks.machine import described
from benchmarks.page import PAGE, put, table
from domain.decision import Effect
from domain.ids import TenantId
from domain.policy import CALL, Policy, Subject
from domain.rules import Aspect, Rule, Rules
from tests.servers.postgres import binaries

LATEST: Final = Path(__file__).parent / "results" / "tools.json"
ROUNDS: Final = 5
RULES: Final = 500
CALLS: Final = 300
BOUNDS: Final[Mapping[str, float]] = {
    "an empty tool, bare, us": 10,
    "a tool that reads, with permission and audit, SQLite, us": 120,
    "a tool that reads, with permission and audit, PostgreSQL, us": 120,
    "calculator, with permission and audit, SQLite, us": 120,
    "calculator, with permission and audit, PostgreSQL, us": 120,
    "decide among 500 rules, first time, us": 200,
    "decide among 500 rules, again, us": 20,
    "MCP over stdio, p50 over the server's own time, ms": 1.5,
    "import of 10,000 operations, s": 10,
    "the same registered at a service on SQLite, s": 10,
}
"""What issue and rows demand; figures without one stand beside them."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    found: dict[str, list[float]] = {}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for name, value in one_round().items():
            found.setdefault(name, []).append(value)
    kept = {"machine": described(str(binaries()[0])), "rounds": rounds, "figures": found}
    print(json.dumps(kept, indent=1))
    if rounds == ROUNDS:
        LATEST.write_text(json.dumps(kept, indent=1) + "\n")
        put(PAGE, "tools", text_of(kept))
    return 0 if all(statistics.median(found[name]) <= most for name, most in BOUNDS.items()) else 1


def one_round() -> dict[str, float]:
    found: dict[str, float] = {}
    for taken in asyncio.run(tool_calls.measured()):
        found[f"{taken.title}, us"] = taken.alone
        found[f"{taken.title}, {tool_calls.AT_ONCE} at once, us"] = taken.at_once
    return found | decisions() | over_mcp() | imported()


def decisions() -> dict[str, float]:
    def rule(number: int) -> Rule:
        return Rule(f"rule {number}", Effect.ALLOW, {Aspect.RESOURCES: (f"tool_{number}_*",), Aspect.WORKFLOWS: (f"flow-{number}*",)})

    first: list[float] = []
    again: list[float] = []
    for number in range(20):
        policy = Policy(Rules([rule(one) for one in range(RULES)]))
        subject = Subject(TenantId("t"), workflow=f"flow-{number}@1.0.0")
        for kept in (first, again):
            began = time.perf_counter()
            policy.decide(subject, CALL, f"tool_{number}_x")
            kept.append((time.perf_counter() - began) * 1e6)
    return {
        "decide among 500 rules, first time, us": statistics.median(first),
        "decide among 500 rules, again, us": statistics.median(again),
    }


def over_mcp() -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.mcp_call", "--serve", "sdk"]
    own, weft, sdk = (statistics.median(asyncio.run(way(command, CALLS)).all) for way in mcp_call.WAYS)
    return {"MCP over stdio, p50 over the server's own time, ms": weft - own, "the same by the bare SDK, ms": sdk - own}


def imported() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "openapi.json"
        file.write_text(json.dumps(openapi_import.document_of(openapi_import.OPERATIONS)))
        shown, seconds, _, mib = openapi_import.measured(file, "--dry-run")
        kept = openapi_import.registered(file, len(shown["tools"]))
    return {
        "import of 10,000 operations, s": seconds,
        "its peak, MiB": mib,
        "the same registered at a service on SQLite, s": kept.seconds,
        "the command's processor, s": kept.busy,
        "the service's processor, s": kept.service_busy,
        "the service's peak, MiB": kept.service_mib,
    }


def text_of(kept: Mapping[str, Any]) -> str:
    machine, figures = kept["machine"], kept["figures"]
    where = f"{machine['date']}, rounds: {kept['rounds']}. {machine['cores']} cores of {machine['processor']}, Python {machine['python']}."
    rows = [_row(name, values) for name, values in figures.items()]
    return f"{where}\n\n{table(('what', 'median (least to most)', 'demanded'), rows)}"


def _row(name: str, values: list[float]) -> list[str]:
    median, most = statistics.median(values), BOUNDS.get(name)
    verdict = "" if most is None else f"≤ {most:g}" if median <= most else f"≤ {most:g}: **missed**"
    return [name, f"**{median:.3g}** ({min(values):.3g} to {max(values):.3g})", verdict]


if __name__ == "__main__":
    sys.exit(main())
