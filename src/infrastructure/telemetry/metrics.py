"""The meter that Prometheus reads. Each instance has a registry of its own, so that two apps in one process do not meet."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder

from domain.ports.queue import QueueDepth
from domain.run.run import Run
from domain.usage import Usage
from infrastructure.telemetry.labels import BoundedLabel
from infrastructure.telemetry.tallies import Tallies, Tally

RUN_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600)
NODE_SECONDS = (0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300)
COMMIT_SECONDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5)
BATCH_ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000)


class PrometheusMeter:
    """Workflows are labelled by name: each version as a series of its own would fill the bound with the past."""

    def __init__(self, most_values: int = 200) -> None:
        self._registry = CollectorRegistry()
        self._workflow, self._model, self._kind, self._currency = (BoundedLabel(most_values) for _ in range(4))
        self._count_runs()
        self._count_money()
        self._watch_store()
        self._watch_others()
        self._nodes: dict[tuple[str, bool], Tally] = {}

    def run_ended(self, run: Run, seconds: float) -> None:
        self._runs.labels(run.status.value, self._named(run.workflow)).inc()
        self._run_seconds.observe(seconds)

    def node_ended(self, kind: str, seconds: float, *, failed: bool) -> None:
        series = self._nodes.get((kind, failed)) or self._node_series(kind, failed)
        series.observe(seconds)

    def used(self, workflow: str, usage: Usage) -> None:
        model, name = self._model(usage.model), self._named(workflow)
        self._tokens.labels(model, name, "prompt").inc(usage.prompt_tokens)
        self._tokens.labels(model, name, "completion").inc(usage.completion_tokens)
        if usage.cost is None:
            self._unpriced.inc()
        else:
            self._cost.labels(model, name, self._currency(usage.cost.currency)).inc(float(usage.cost.amount))

    def committed(self, rows: int, seconds: float) -> None:
        self._batch_rows.observe(rows)
        self._commit_seconds.observe(seconds)

    def queue_seen(self, depth: QueueDepth) -> None:
        self._depth.labels("waiting").set(depth.waiting)
        self._depth.labels("claimed").set(depth.claimed)
        self._depth.labels("parked").set(depth.parked)
        self._lag.set(depth.lag_seconds)

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

    def _node_series(self, kind: str, failed: bool) -> Tally:
        series = self._node_seconds.labels(self._kind(kind), "failed" if failed else "finished")
        if len(self._nodes) < 1000:
            self._nodes[kind, failed] = series
        return series

    def _count_runs(self) -> None:
        registry = self._registry
        self._runs = Counter("weft_runs_total", "Runs that ended", ("status", "workflow"), registry=registry)
        self._run_seconds = Histogram("weft_run_duration_seconds", "From start to end of a run", buckets=RUN_SECONDS, registry=registry)
        self._node_seconds = Tallies("weft_node_duration_seconds", "Last attempt of an activation", NODE_SECONDS, ("kind", "outcome"))
        registry.register(self._node_seconds)

    def _count_money(self) -> None:
        registry = self._registry
        self._tokens = Counter("weft_tokens_total", "Tokens of model calls", ("model", "workflow", "direction"), registry=registry)
        self._cost = Counter("weft_cost_total", "Known cost of model calls", ("model", "workflow", "currency"), registry=registry)
        self._unpriced = Counter("weft_unpriced_calls_total", "Model calls whose price is unknown", registry=registry)

    def _watch_store(self) -> None:
        registry = self._registry
        self._depth = Gauge("weft_queue_depth", "Runs in the queue", ("state",), registry=registry)
        self._lag = Gauge("weft_queue_lag_seconds", "How long the oldest claimable run has waited", registry=registry)
        self._takeovers = Counter("weft_lease_takeovers_total", "Runs taken over from a worker whose lease ran out", registry=registry)
        batch_rows = Tallies("weft_journal_batch_rows", "Journal rows of one commit", BATCH_ROWS)
        commit_seconds = Tallies("weft_journal_commit_seconds", "One journal commit", COMMIT_SECONDS)
        registry.register(batch_rows)
        registry.register(commit_seconds)
        self._batch_rows, self._commit_seconds = batch_rows.labels(), commit_seconds.labels()

    def _watch_others(self) -> None:
        registry = self._registry
        self._redis_up = Gauge("weft_redis_up", "Does Redis answer? 0 too where none is configured", registry=registry)
        self._dropped = Counter("weft_feed_dropped_total", "News for readers in other processes that were lost", registry=registry)
        self._chunks_dropped = Counter("weft_stream_chunks_dropped_total", "Chunks that readers were too slow for", registry=registry)
