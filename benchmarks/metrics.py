"""How large `/metrics` is, and how long it takes to write: 200 workflows of two models each, then 100,000 distinct ids at every label.

    python -m benchmarks.metrics [--rounds 5]

Writes benchmarks/results/metrics.json and the table of docs/benchmarks.md when as many rounds as always were played. Ends with 1 when a
bound is missed.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from benchmarks.machine import described
from benchmarks.page import PAGE, put, table
from domain.ids import ContentHash, RunId, TenantId, ThreadId
from domain.ports.meter import ModelCall
from domain.run.run import Run, RunStatus
from domain.usage import Money, Usage
from infrastructure.telemetry.metrics import PrometheusMeter
from tests.servers.postgres import binaries

LATEST: Final = Path(__file__).parent / "results" / "metrics.json"
ROUNDS: Final = 5
WORKFLOWS: Final = 200
IDS: Final = 100_000
MODELS: Final = (("openai", "gpt-4o-mini"), ("anthropic", "claude-sonnet-4-5"))
CENT: Final = Money(Decimal("0.01"))
MADE: Final = datetime(2026, 5, 4, tzinfo=UTC)
SIZE: Final = "size, KiB"
SECONDS: Final = "one scrape, ms"
SERIES: Final = "lines"
CALM: Final = "200 workflows of 2 models"
HOSTILE: Final = "and 100,000 ids at every label"
BOUNDS: Final[Mapping[str, float]] = {SIZE: 1024, SECONDS: 100}


def fill_calmly(meter: PrometheusMeter) -> None:
    for number in range(WORKFLOWS):
        for provider, model in MODELS:
            _called(meter, "default", f"workflow-number-{number}", provider, model)


def fill_with_ids(meter: PrometheusMeter, ids: int) -> None:
    """Every label a new value each time: tenants, workflows, providers, models, codes, kinds, budgets, currencies."""
    for _ in range(ids):
        name = str(uuid4())
        _called(meter, name, name, name, name, name)
        _called(meter, name, name, name, name)
        meter.used(TenantId(name), name, Usage(name, 1, 1, Money(Decimal(1), name)))
        meter.node_ended(name, 1.0, failed=False)
        meter.budget_seen(name, Decimal(1), Decimal(2))


def _called(meter: PrometheusMeter, tenant: str, workflow: str, provider: str, model: str, error: str = "") -> None:
    usage = Usage(f"{provider}/{model}", 100, 20, CENT)
    meter.used(TenantId(tenant), workflow, usage)
    meter.model_called(ModelCall(provider, model, 0.5, 0.1, usage, error))
    meter.run_ended(Run(RunId("r"), TenantId(tenant), ThreadId("t"), workflow, ContentHash("c"), {}, MADE, RunStatus.COMPLETED), 1.0)


def scraped(meter: PrometheusMeter) -> dict[str, float]:
    began = time.perf_counter()
    body = meter.render()[0]
    seconds = time.perf_counter() - began
    return {SIZE: len(body) / 1024, SECONDS: seconds * 1_000, SERIES: body.count(b"\n")}


def one_round(ids: int = IDS) -> dict[str, float]:
    meter = PrometheusMeter()
    fill_calmly(meter)
    calm = scraped(meter)
    fill_with_ids(meter, ids)
    hostile = scraped(meter)
    return {f"{about}: {what}": value for about, found in ((CALM, calm), (HOSTILE, hostile)) for what, value in found.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, value in one_round().items():
            found.setdefault(name, []).append(value)
    kept = {"machine": described(str(binaries()[0])), "rounds": rounds, "figures": found}
    print(json.dumps(kept, indent=1))
    if rounds == ROUNDS:
        LATEST.write_text(json.dumps(kept, indent=1) + "\n")
        put(PAGE, "metrics", text_of(kept))
    return 0 if all(_is_met(name, values) for name, values in found.items()) else 1


def text_of(kept: Mapping[str, Any]) -> str:
    machine = kept["machine"]
    where = f"{machine['date']}, rounds: {kept['rounds']}. {machine['cores']} cores of {machine['processor']}, Python {machine['python']}."
    return f"{where}\n\n{table(('what', 'median (least to most)', 'demanded'), (_row(*one) for one in kept['figures'].items()))}"


def _row(name: str, values: list[float]) -> list[str]:
    most = _most(name)
    verdict = "" if most is None else f"≤ {most:g}" if _is_met(name, values) else f"≤ {most:g}: **missed**"
    return [name, f"**{statistics.median(values):,.4g}** ({min(values):,.4g} to {max(values):,.4g})", verdict]


def _most(name: str) -> float | None:
    return BOUNDS.get(name.rpartition(": ")[2])


def _is_met(name: str, values: list[float]) -> bool:
    most = _most(name)
    return most is None or statistics.median(values) <= most


if __name__ == "__main__":
    sys.exit(main())
