"""What the doctor makes of what was measured."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from application.doctoring import Examine
from application.examination_views import ExaminationView
from domain.errors import DatabaseError, ValidationError
from domain.ids import DEFAULT_TENANT, RunId, TenantId, WorkerId
from domain.model import ModelCard, ProviderHealth
from domain.ports.checkup import AliasVitals, MoneyBudget, RedisVitals, StoreVitals, WorkVitals
from domain.ports.queue import QueueDepth
from domain.ports.registry import WorkerCard
from domain.usage import Money

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
AT = NOW.timestamp()
WELL = StoreVitals("PostgreSQL 17.2", "0006", "0006", True, (), AT)
CALM = WorkVitals(QueueDepth(0, 0, 0, 0.0), 0, (), (), 0, 1)
REDIS = RedisVitals("redis://redis:6379/0", seconds=0.001, now=AT)
WORKER = WorkerCard(WorkerId("a"), "host", 1, "0.1.0", NOW, 0, NOW)
LEASE = 30.0
GPT = ModelCard("openai/gpt-4o-mini", "openai/gpt-4o-mini", "openai", Money(Decimal("0.15")), Money(Decimal("0.6")))
KEYLESS = replace(GPT, name="groq/llama", usable=False, reason="no key: set GROQ_API_KEY")
PRICELESS = replace(GPT, name="mine/model", prompt_price=None, completion_price=None)
SPENT_IN_USD = replace(CALM, money=[MoneyBudget(DEFAULT_TENANT, "team", "USD"), MoneyBudget(TenantId("acme"), "team", "USD")])
SPENT_IN_EUR = replace(CALM, money=[MoneyBudget(DEFAULT_TENANT, "verein", "EUR")])


class StoppedClock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody sleeps here")


class Measured:
    def __init__(
        self,
        store: StoreVitals = WELL,
        work: WorkVitals = CALM,
        redis: RedisVitals | None = REDIS,
        chain: Sequence[ModelCard] = (GPT,),
        unknown: Sequence[str] = (),
    ) -> None:
        self._store, self._work, self._redis = store, work, redis
        self._alias = AliasVitals("smart", chain, unknown)
        self.asked_for_silence: list[float] = []

    async def store(self) -> StoreVitals:
        return self._store

    async def work(self, silent_seconds: float) -> WorkVitals:
        self.asked_for_silence.append(silent_seconds)
        return self._work

    async def models(self) -> Sequence[AliasVitals]:
        return [self._alias]

    async def redis(self) -> RedisVitals | None:
        return self._redis


class Misnamed(Measured):
    async def models(self) -> Sequence[AliasVitals]:
        raise ValidationError("WEFT_SCRIPTS: there is no file scripts.yaml")


class Dead(Measured):
    async def store(self) -> StoreVitals:
        raise DatabaseError("PostgreSQL does not answer: refused")


async def examined(measured: Measured) -> ExaminationView:
    return await Examine(measured, StoppedClock(), LEASE)()


async def test_all_is_well_when_all_is_well() -> None:
    measured = Measured()
    found = await examined(measured)

    assert found.healthy
    assert {finding.verdict.value for finding in found.findings} == {"OK"}
    assert all(not finding.do for finding in found.findings)
    assert measured.asked_for_silence == [2 * LEASE]


@pytest.mark.parametrize(
    ("measured", "what", "verdict", "words"),
    [
        pytest.param(Dead(), "database", "FAIL", "refused", id="a database that does not answer"),
        pytest.param(Measured(replace(WELL, schema=None)), "schema", "WARN", "none yet", id="an empty database"),
        pytest.param(Measured(replace(WELL, schema="0001")), "schema", "WARN", "the newest is 0006", id="an old schema"),
        pytest.param(Measured(replace(WELL, schema="0099", known=False)), "schema", "FAIL", "does not know", id="a schema of the future"),
        pytest.param(Measured(replace(WELL, unsafe=("fsync = off",))), "durability", "FAIL", "fsync = off", id="commits that may be lost"),
        pytest.param(Measured(replace(WELL, now=AT + 1.5)), "clock of the database", "WARN", "1.5 s ahead of", id="a database ahead"),
        pytest.param(Measured(replace(WELL, now=AT - 90)), "clock of the database", "WARN", "90.0 s behind", id="a database behind"),
        pytest.param(Measured(replace(WELL, now=AT + 0.9)), "clock of the database", "OK", "agrees", id="a skew that does not matter"),
        pytest.param(Measured(redis=replace(REDIS, now=AT - 2)), "clock of redis", "WARN", "2.0 s behind", id="a Redis behind"),
        pytest.param(Measured(redis=replace(REDIS, away="refused")), "redis", "WARN", "does not answer", id="a Redis that is away"),
        pytest.param(Measured(redis=replace(REDIS, seconds=0.2)), "redis", "WARN", "200.0 ms", id="a slow Redis"),
        pytest.param(Measured(redis=None), "redis", "OK", "none configured", id="no Redis"),
        pytest.param(Measured(work=replace(CALM, lapsed=3)), "leases", "FAIL", "3 runs", id="leases that lapsed and nobody takes over"),
        pytest.param(Measured(work=replace(CALM, astray=[RunId("r1")])), "stuck runs", "FAIL", "r1", id="a run without a place"),
        pytest.param(
            Measured(work=replace(CALM, stumbling=[(RunId("r1"), 3)])), "stuck runs", "WARN", "r1 (3 times)", id="a run that makes no way"
        ),
        pytest.param(Measured(work=replace(CALM, needs_attention=2)), "needs attention", "WARN", "2 runs", id="runs that want an operator"),
        pytest.param(Measured(work=replace(CALM, depth=QueueDepth(9, 0, 0, 61.0))), "queue", "WARN", "61 s", id="a queue that lags"),
        pytest.param(
            Measured(work=replace(CALM, depth=QueueDepth(1, 0, 0, 0.1), working=0)), "workers", "WARN", "1 runs wait", id="nobody to work"
        ),
        pytest.param(
            Measured(work=replace(CALM, depth=QueueDepth(1, 0, 0, 0.1), working=0), redis=replace(REDIS, workers=[WORKER])),
            "workers",
            "OK",
            "1 seen",
            id="an idle worker that Redis knows",
        ),
        pytest.param(Measured(), "model smart", "OK", "openai/gpt-4o-mini: can be called", id="a model in order"),
        pytest.param(Misnamed(), "models", "FAIL", "scripts.yaml", id="models that are set wrongly"),
        pytest.param(Measured(unknown=["opnai/gpt"]), "model smart", "FAIL", "nobody knows opnai/gpt", id="a model nobody knows"),
        pytest.param(Measured(chain=[KEYLESS]), "model smart", "FAIL", "groq/llama has no key; every call fails", id="no key at all"),
        pytest.param(Measured(chain=[KEYLESS, GPT]), "model smart", "WARN", "the others of its chain answer", id="a key for some"),
        pytest.param(Measured(chain=[PRICELESS]), "model smart", "WARN", "counted without a cost", id="a price nobody knows"),
        pytest.param(
            Measured(work=SPENT_IN_USD, chain=[PRICELESS]),
            "model smart",
            "WARN",
            "mine/model is refused where the budgets team, team of acme count its calls: nobody says what it costs",
            id="a budget over a price nobody knows",
        ),
        pytest.param(Measured(work=SPENT_IN_EUR), "model smart", "WARN", "verein count its calls: it costs USD", id="another currency"),
        pytest.param(Measured(work=SPENT_IN_USD), "model smart", "OK", "the price is known", id="a budget in the price's currency"),
        pytest.param(
            Measured(chain=[replace(GPT, health=ProviderHealth("open", "rate_limited", NOW))]),
            "model smart",
            "WARN",
            "calls of openai fail, the last with rate_limited at 12:00:00 UTC",
            id="a provider that fails",
        ),
        pytest.param(
            Measured(chain=[replace(GPT, health=ProviderHealth(paused_until=NOW))]),
            "model smart",
            "WARN",
            "openai wants no calls before 12:00:00 UTC",
            id="a provider that wants a rest",
        ),
        pytest.param(
            Measured(chain=[replace(GPT, health=ProviderHealth())]), "model smart", "OK", "can be called", id="a provider that is well"
        ),
    ],
)
async def test_a_finding(measured: Measured, what: str, verdict: str, words: str) -> None:
    found = await examined(measured)
    finding = next(finding for finding in found.findings if finding.what == what)

    assert (finding.verdict.value, words in finding.says) == (verdict, True), finding
    assert bool(finding.do) == (verdict != "OK")
    assert found.healthy == (verdict != "FAIL")


async def test_of_a_dead_database_nothing_else_is_asked_and_redis_is_still_examined() -> None:
    found = await examined(Dead())

    assert [finding.what for finding in found.findings] == ["database", "redis", "clock of redis", "model smart"]


async def test_runs_of_an_old_schema_are_not_looked_at() -> None:
    measured = Measured(replace(WELL, schema="0001"))
    await examined(measured)

    assert measured.asked_for_silence == []


async def test_a_variable_that_is_no_setting_is_a_warning() -> None:
    found = await Examine(Measured(), StoppedClock(), LEASE, ["WEFT_PROT is no setting (is WEFT_PORT meant?)"])()

    assert found.healthy
    assert [(line.what, line.says) for line in found.findings if line.verdict == "WARN"] == [
        ("settings", "WEFT_PROT is no setting (is WEFT_PORT meant?)")
    ]
