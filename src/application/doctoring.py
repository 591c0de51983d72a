"""`weft doctor`: what was measured, what it means, and what to do about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from application.examination_views import ExaminationView, FindingView, Verdict, fail, ok, warn
from application.model_findings import about_models
from domain.errors import DatabaseError, WeftError
from domain.ports.checkup import Checkup, MoneyBudget, RedisVitals, StoreVitals, WorkVitals
from domain.ports.clock import Clock

SKEW_SECONDS = 1.0
SLOW_REDIS_SECONDS = 0.05
LAG_SECONDS = 60.0
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Examine:
    checkup: Checkup
    clock: Clock
    lease_seconds: float
    unknown: Sequence[str] = ()
    """What is said of variables that are no settings."""

    async def __call__(self) -> ExaminationView:
        """Never fails: what cannot be looked at is a finding too."""
        redis = await self.checkup.redis()
        of_redis = list(about_redis(redis, self.clock.now().timestamp()))
        of_store, money = await self._store(redis)
        findings = [*about_settings(self.unknown), *of_store, *of_redis, *await self._models(money)]
        return ExaminationView(healthy=all(finding.verdict is not Verdict.FAIL for finding in findings), findings=findings)

    async def _store(self, redis: RedisVitals | None) -> tuple[list[FindingView], Sequence[MoneyBudget]]:
        try:
            began = self.clock.now().timestamp()
            store = await self.checkup.store()
            took = self.clock.now().timestamp() - began
            found = [*about_store(store, took), about_clock("clock of the database", store.now, began + took / 2, took / 2)]
            if store.schema != store.newest:
                return found, ()
            work = await self.checkup.work(2 * self.lease_seconds)
            return [*found, *about_work(work, self.lease_seconds, 0 if redis is None else len(redis.workers))], work.money
        except DatabaseError as error:
            return [fail("database", error.message, "is it up, and is it the one you mean? --database or WEFT_DATABASE_URL names it")], ()

    async def _models(self, money: Sequence[MoneyBudget]) -> list[FindingView]:
        try:
            aliases = await self.checkup.models()
        except WeftError as error:
            return [fail("models", error.message, "correct the setting: a service does not start with it")]
        return [finding for alias in aliases for finding in about_models(alias, money)]


def about_settings(unknown: Sequence[str]) -> Iterator[FindingView]:
    if unknown:
        yield warn("settings", "; ".join(unknown), "correct or unset them: they do nothing; `weft config show` lists the settings")


def about_redis(redis: RedisVitals | None, now: float) -> Iterator[FindingView]:
    if redis is None:
        yield ok("redis", "none configured: wake-ups by the database, token chunks within one process")
    elif redis.away:
        yield warn("redis", f"{redis.where} does not answer ({redis.away})", "work goes on, slower: start it, or look at --redis")
    else:
        yield _latency(redis)
        yield about_clock("clock of redis", redis.now, now)


def about_store(store: StoreVitals, took: float) -> Iterator[FindingView]:
    yield ok("database", f"{store.product} answers in {took * 1000:.0f} ms")
    if store.schema == store.newest:
        yield ok("schema", f"at revision {store.schema}, the newest")
    elif store.known:
        found = "there is none yet" if store.schema is None else f"at revision {store.schema}, the newest is {store.newest}"
        yield warn("schema", found, "type `weft db upgrade`; the next start of Weft does it too")
    else:
        yield fail("schema", f"at revision {store.schema}, which this version does not know", "update Weft, or use another database")
    if store.unsafe:
        yield fail("durability", f"commits may be lost: {', '.join(store.unsafe)}", "turn these on again in the database's settings")
    else:
        yield ok("durability", "a commit is on disk before it is acknowledged")


def about_clock(what: str, theirs: float, ours: float, unsure: float = 0.0) -> FindingView:
    """`unsure`: seconds by which the measurement itself may be wrong."""
    skew = theirs - ours
    if abs(skew) - unsure <= SKEW_SECONDS:
        return ok(what, "agrees with this machine's")
    says = f"{abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} this machine's"
    return warn(what, says, "let both machines keep time (NTP): due times and limits are kept by these clocks")


def _latency(redis: RedisVitals) -> FindingView:
    says = f"{redis.where} answers in {redis.seconds * 1000:.1f} ms"
    if redis.seconds <= SLOW_REDIS_SECONDS:
        return ok("redis", says)
    return warn("redis", says, "put it nearer, or look at what keeps it busy: a call that takes 500 ms counts as no answer")


def about_work(work: WorkVitals, lease_seconds: float, listed: int) -> Iterator[FindingView]:
    yield _workers(work, max(listed, work.working))
    if work.lapsed:
        says = f"{work.lapsed} runs of workers that are silent for over {2 * lease_seconds:g} s wait to be taken over"
        yield fail("leases", says, "start a worker: `weft worker`")
    else:
        yield ok("leases", f"{work.depth.claimed} runs are held, none by a worker that is gone")
    yield _lag(work)
    if work.astray:
        shown = ", ".join(work.astray[:SHOWN])
        yield fail(
            "stuck runs", f"{len(work.astray)} unfinished runs have no place in the queue: {shown}", "this is a bug: please report it"
        )
    elif work.stumbling:
        shown = ", ".join(f"{run} ({times} times)" for run, times in work.stumbling[:SHOWN])
        yield warn("stuck runs", f"claimed without getting on: {shown}", "look at the workers' logs; the fourth claim ends such a run")
    else:
        yield ok("stuck runs", "none")
    if work.needs_attention:
        says = f"{work.needs_attention} runs wait for an operator's decision"
        yield warn("needs attention", says, "`weft runs list --status parked` shows them, `weft runs resolve` decides")
    else:
        yield ok("needs attention", "no run waits for a decision")


def _workers(work: WorkVitals, seen: int) -> FindingView:
    if seen or not work.depth.waiting:
        return ok("workers", f"{seen} seen" if seen else "none seen, and nothing to do")
    return warn("workers", f"none seen, and {work.depth.waiting} runs wait", "start one: `weft worker`")


def _lag(work: WorkVitals) -> FindingView:
    says = f"{work.depth.waiting} runs wait, the oldest for {work.depth.lag_seconds:.0f} s; {work.depth.parked} are parked"
    if work.depth.lag_seconds <= LAG_SECONDS:
        return ok("queue", says)
    return warn("queue", says, "start more workers, or raise WEFT_WORKER_RUNS or the limits of flow control")
