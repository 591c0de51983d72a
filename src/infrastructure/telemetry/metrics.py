"""The meter that Prometheus reads. Each instance has a registry of its own, so that two apps in one process do not meet."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder

from domain.ids import TenantId
from domain.ports.meter import ModelCall
from domain.ports.queue import QueueDepth
from domain.run.run import Run
from domain.usage import Usage
from infrastructure.telemetry.counts import Counts
from infrastructure.telemetry.genai import GenAiMetrics
from infrastructure.telemetry.histograms import Buckets, LoopHistogram
from infrastructure.telemetry.labels import BoundedLabel

RUN_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600)
NODE_SECONDS = (0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300)
COMMIT_SECONDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5)
BATCH_ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000)
MOST_KINDS: Final = 30
MOST_CURRENCIES: Final = 5
STUCK_SECONDS: Final = 600.0
"""A run that is carried, and has written no row for so long, is called stuck."""


class PrometheusMeter:
    """Workflows are labelled by name: each version as a series of its own would fill the bound with the past."""

    def __init__(self, most_values: int = 200) -> None:
        self._registry = CollectorRegistry()
        self._workflow, self._model, self._tenant, self._budget = (BoundedLabel(most_values) for _ in range(4))
        self._kind, self._currency = BoundedLabel(min(most_values, MOST_KINDS)), BoundedLabel(MOST_CURRENCIES)
        self._count_runs()
        self._count_money()
        self._watch_budgets()
        self._watch_store()
        self._watch_others()
        self._nodes: dict[tuple[str, bool], Buckets] = {}

    def run_ended(self, run: Run, seconds: float) -> None:
        self._runs.add(run.status.value, self._named(run.workflow))
        self._run_seconds.observe(seconds)

    def node_ended(self, kind: str, seconds: float, *, failed: bool) -> None:
        series = self._nodes.get((kind, failed)) or self._node_series(kind, failed)
        series.observe(seconds)

    def used(self, tenant: TenantId, workflow: str, usage: Usage) -> None:
        model, name, whose = self._model(usage.model), self._named(workflow), self._tenant(tenant)
        for direction, tokens in (("prompt", usage.prompt_tokens), ("completion", usage.completion_tokens)):
            self._tokens.add(model, name, direction, amount=tokens)
            self._tenant_tokens.add(whose, direction, amount=tokens)
        if usage.cost is None:
            self._unpriced.inc()
        else:
            amount, currency = float(usage.cost.amount), self._currency(usage.cost.currency)
            self._cost.add(model, name, currency, amount=amount)
            self._tenant_cost.add(whose, currency, amount=amount)

    def model_called(self, call: ModelCall) -> None:
        self._models.called(call)

    def budget_seen(self, name: str, spent: Decimal, limit: Decimal) -> None:
        budget = self._budget(name)
        self._spent.labels(budget).set(float(spent))
        self._limit.labels(budget).set(float(limit))
        self._spent_ratio.labels(budget).set(float(spent / limit) if limit else 1.0)

    def budget_gone(self, name: str) -> None:
        for gauge in (self._spent, self._limit, self._spent_ratio):
            gauge.remove(self._budget(name))

    def committed(self, rows: int, seconds: float) -> None:
        self._batch_rows.observe(rows)
        self._commit_seconds.observe(seconds)

    def queue_seen(self, depth: QueueDepth) -> None:
        self._depth.labels("waiting").set(depth.waiting)
        self._depth.labels("claimed").set(depth.claimed)
        self._depth.labels("parked").set(depth.parked)
        self._lag.set(depth.lag_seconds)
        self._attention.set(depth.attention)

    def runs_seen(self, quiet_seconds: Sequence[float]) -> None:
        self._quiet.set(max(quiet_seconds, default=0.0))
        self._stuck.set(sum(seconds >= STUCK_SECONDS for seconds in quiet_seconds))

    def taken_over(self) -> None:
        self._takeovers.inc()

    def redis_seen(self, up: bool) -> None:
        self._redis_up.set(up)

    def news_dropped(self, news: int) -> None:
        self._dropped.inc(news)

    def chunks_dropped(self, chunks: int) -> None:
        self._chunks_dropped.inc(chunks)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """What a scrape gets, and its content type, in the format that the scraper's `Accept` header prefers."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def _named(self, workflow: str) -> str:
        return self._workflow(workflow.partition("@")[0])

    def _node_series(self, kind: str, failed: bool) -> Buckets:
        series = self._node_seconds.labels(self._kind(kind), "failed" if failed else "finished")
        if len(self._nodes) < 1000:
            self._nodes[kind, failed] = series
        return series

    def _count_runs(self) -> None:
        registry = self._registry
        self._runs = Counts("weft_runs", "Runs that ended", ("status", "workflow"), kept=("status",))
        registry.register(self._runs)
        self._run_seconds = Histogram("weft_run_duration_seconds", "From start to end of a run", buckets=RUN_SECONDS, registry=registry)
        self._node_seconds = LoopHistogram("weft_node_duration_seconds", "Last attempt of an activation", NODE_SECONDS, ("kind", "outcome"))
        registry.register(self._node_seconds)

    def _count_money(self) -> None:
        self._models = GenAiMetrics()
        self._tokens = Counts("weft_tokens", "Tokens of model calls", ("model", "workflow", "direction"), kept=("direction",))
        self._cost = Counts("weft_cost", "Known cost of model calls", ("model", "workflow", "currency"), kept=("currency",))
        self._tenant_tokens = Counts("weft_tenant_tokens", "Tokens of a tenant", ("tenant", "direction"), kept=("direction",))
        self._tenant_cost = Counts("weft_tenant_cost", "Known cost of a tenant", ("tenant", "currency"), kept=("currency",))
        for counted in (*self._models.collectors(), self._tokens, self._cost, self._tenant_tokens, self._tenant_cost):
            self._registry.register(counted)
        self._unpriced = Counter("weft_unpriced_calls_total", "Model calls whose price is unknown", registry=self._registry)

    def _watch_budgets(self) -> None:
        """Money is a float from here on: no sum of money is made of these."""
        registry = self._registry
        self._spent = Gauge("weft_budget_spent", "Spent of a budget in its period", ("budget",), registry=registry)
        self._limit = Gauge("weft_budget_limit", "What a budget allows in its period", ("budget",), registry=registry)
        self._spent_ratio = Gauge("weft_budget_spent_ratio", "Share of a budget that is spent", ("budget",), registry=registry)

    def _watch_store(self) -> None:
        registry = self._registry
        self._depth = Gauge("weft_queue_depth", "Runs in the queue", ("state",), registry=registry)
        self._lag = Gauge("weft_queue_lag_seconds", "How long the oldest claimable run has waited", registry=registry)
        self._attention = Gauge("weft_runs_needing_attention", "Runs that wait for an operator's decision", registry=registry)
        self._stuck = Gauge("weft_runs_stuck", "Runs carried here without a row for ten minutes", registry=registry)
        self._quiet = Gauge("weft_run_quiet_seconds", "Longest time without a row of a run carried here", registry=registry)
        self._takeovers = Counter("weft_lease_takeovers_total", "Runs taken over from a worker whose lease ran out", registry=registry)
        batch_rows = LoopHistogram("weft_journal_batch_rows", "Journal rows of one commit", BATCH_ROWS)
        commit_seconds = LoopHistogram("weft_journal_commit_seconds", "One journal commit", COMMIT_SECONDS)
        registry.register(batch_rows)
        registry.register(commit_seconds)
        self._batch_rows, self._commit_seconds = batch_rows.labels(), commit_seconds.labels()

    def _watch_others(self) -> None:
        registry = self._registry
        self._redis_up = Gauge("weft_redis_up", "Does Redis answer? 0 too where none is configured", registry=registry)
        self._dropped = Counter("weft_feed_dropped_total", "News for readers in other processes that were lost", registry=registry)
        self._chunks_dropped = Counter("weft_stream_chunks_dropped_total", "Chunks that readers were too slow for", registry=registry)
