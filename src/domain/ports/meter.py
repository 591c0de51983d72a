"""What is measured. Labels are bounded by the adapter."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from domain.ids import TenantId
from domain.ports.queue import QueueDepth
from domain.run.run import Run
from domain.usage import Usage


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One call to a provider. `model` as the provider knows it. `first_seconds`: until the first piece of text, of a call that streams;
    None: none came. `error`: the code of what went wrong, "" when it answered."""

    provider: str
    model: str
    seconds: float
    first_seconds: float | None = None
    usage: Usage | None = None
    error: str = ""


class ModelMeter(Protocol):
    def model_called(self, call: ModelCall) -> None: ...


class BudgetMeter(Protocol):
    def budget_seen(self, name: str, spent: Decimal, limit: Decimal) -> None:
        """Where a budget stands in its current period."""

    def budget_gone(self, name: str) -> None:
        """It is not there any more."""


class WorkerMeter(Protocol):
    def queue_seen(self, depth: QueueDepth) -> None: ...

    def runs_seen(self, quiet_seconds: Sequence[float]) -> None:
        """For how long each run that this worker carries has written no row."""

    def taken_over(self) -> None: ...


class Meter(WorkerMeter, ModelMeter, BudgetMeter, Protocol):
    def run_ended(self, run: Run, seconds: float) -> None: ...

    def node_ended(self, kind: str, seconds: float, *, failed: bool) -> None: ...

    def used(self, tenant: TenantId, workflow: str, usage: Usage) -> None: ...

    def committed(self, rows: int, seconds: float) -> None:
        """One journal batch."""
