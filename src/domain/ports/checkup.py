"""What can be measured of an installation by whoever looks after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from domain.ids import RunId, TenantId
from domain.model import ModelCard
from domain.ports.queue import QueueDepth
from domain.ports.registry import WorkerCard


@dataclass(frozen=True, slots=True)
class StoreVitals:
    """`schema`: the revision it is at, None when it is empty; `newest`: the one this version needs; `known`: can it be upgraded from
    there? `unsafe`: settings by which a commit may be lost, as `name = value`. `now`: seconds since the epoch by its own clock."""

    product: str
    schema: str | None
    newest: str
    known: bool
    unsafe: Sequence[str]
    now: float


class MoneyBudget(NamedTuple):
    """A budget that counts money."""

    tenant: TenantId
    name: str
    currency: str


@dataclass(frozen=True, slots=True)
class AliasVitals:
    """`chain`: the models that it asks one after the other, each with how its provider is where that was told. `unknown`: those that no
    adapter would take."""

    name: str
    chain: Sequence[ModelCard]
    unknown: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class WorkVitals:
    """`lapsed`: runs whose worker has been silent for longer than was asked about, and that nobody has taken over. `astray`: unfinished
    runs without a place in the queue. `stumbling`: runs claimed again and again without a row, with how often. `needs_attention`: runs
    parked for an operator's decision. `working`: workers that hold a lease. `money`: budgets that count money."""

    depth: QueueDepth
    lapsed: int
    astray: Sequence[RunId]
    stumbling: Sequence[tuple[RunId, int]]
    needs_attention: int
    working: int
    money: Sequence[MoneyBudget] = ()


@dataclass(frozen=True, slots=True)
class RedisVitals:
    """`away`: why it does not answer; empty when it does. `workers`: who says in it that it is there."""

    where: str
    away: str = ""
    seconds: float = 0.0
    now: float = 0.0
    workers: Sequence[WorkerCard] = ()


class Checkup(Protocol):
    async def store(self) -> StoreVitals:
        """Looks without changing anything. `DatabaseError` when it does not answer."""

    async def work(self, silent_seconds: float) -> WorkVitals:
        """Only for a store at the newest schema. `DatabaseError` when it does not answer."""

    async def models(self) -> Sequence[AliasVitals]:
        """Every alias; calls no model. `ValidationError` when what is set of them is wrong."""

    async def redis(self) -> RedisVitals | None:
        """None where none is configured. Never fails."""
