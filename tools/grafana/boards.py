"""What the dashboards show."""

from typing import Final

from tools.grafana.panels import Board, Panel, Query, Variable

_RATE: Final = "[$__rate_interval]"
_CALLS: Final = "gen_ai_client_operation_duration_seconds"
_FIRST: Final = "gen_ai_client_operation_time_to_first_chunk_seconds"
_TOKENS: Final = "gen_ai_client_token_usage"


def quantiles(metric: str, by: str = "") -> list[Query]:
    """The median and the slow ones of a histogram; by a label the slow ones alone."""
    if by:
        return [Query(f"histogram_quantile(0.95, sum by (le, {by}) (rate({metric}_bucket{_RATE})))", f"{{{{{by}}}}}")]
    shares = ((0.5, "median"), (0.95, "95 of 100"), (0.99, "99 of 100"))
    return [Query(f"histogram_quantile({share}, sum by (le) (rate({metric}_bucket{_RATE})))", name) for share, name in shares]


def rates(metric: str, by: str, where: str = "") -> list[Query]:
    return [Query(f"sum by ({by}) (rate({metric}{where}{_RATE}))", f"{{{{{by}}}}}")]


def within(metric: str, by: str, where: str = "") -> list[Query]:
    """What came together in the time that is shown."""
    return [Query(f"sum by ({by}) (increase({metric}{where}[$__range]))", f"{{{{{by}}}}}")]


def _now(title: str, expression: str, about: str = "", unit: str = "short", steps: tuple[float, float] | None = None) -> Panel:
    return Panel(title, [Query(expression)], unit, about, "stat", width=4, height=4, steps=steps)


_STUCK: Final = "A node that never comes back, or a database that does not answer: look at the worker's log, then cancel the run."
_ATTENTION: Final = "`weft runs list --needs-attention` lists them: nobody knows whether a call happened that may happen once only."

OVERVIEW: Final = Board(
    "weft",
    "Weft: overview",
    [
        _now("Processes that answer", 'sum(up{job=~"weft-.*"})'),
        _now("Runs that wait", 'max(weft_queue_depth{state="waiting"})', "Add workers when it grows.", steps=(100, 1_000)),
        _now("Oldest wait", "max(weft_queue_lag_seconds)", "Add workers when it grows.", "s", (30, 60)),
        _now("Stuck runs", "sum(weft_runs_stuck)", _STUCK, steps=(1, 5)),
        _now("Runs that need an operator", "max(weft_runs_needing_attention)", _ATTENTION, steps=(1, 5)),
        _now("Runs that fail, of ten minutes", "weft:runs_failed:ratio10m", unit="percentunit", steps=(0.05, 0.2)),
        Panel("Runs that ended, by status", rates("weft_runs_total", "status"), "ops", stacked=True),
        Panel("Duration of a run", quantiles("weft_run_duration_seconds"), "s"),
        Panel("Money by model, per hour", [Query("sum by (model, currency) (weft:cost:rate1h)", "{{model}} {{currency}}")], "short"),
        Panel("Time to the first piece of text", quantiles(_FIRST), "s"),
    ],
)

MONEY: Final = Board(
    "weft-money",
    "Weft: tokens and money",
    [
        Panel("Tokens by model", rates("weft_tokens_total", "model", '{workflow=~"$workflow"}'), "short", stacked=True),
        Panel("Tokens by workflow", rates("weft_tokens_total", "workflow", '{workflow=~"$workflow"}'), "short", stacked=True),
        Panel("Tokens by tenant", rates("weft_tenant_tokens_total", "tenant", '{tenant=~"$tenant"}'), "short", stacked=True),
        Panel("Tokens by direction", rates("weft_tokens_total", "direction", '{workflow=~"$workflow"}'), "short"),
        Panel("Money by model", within("weft_cost_total", "model, currency", '{workflow=~"$workflow"}'), kind="bargauge", width=8),
        Panel("Money by workflow", within("weft_cost_total", "workflow, currency", '{workflow=~"$workflow"}'), kind="bargauge", width=8),
        Panel("Money by tenant", within("weft_tenant_cost_total", "tenant, currency", '{tenant=~"$tenant"}'), kind="bargauge", width=8),
        Panel(
            "Budgets: share that is spent",
            [Query("max by (budget) (weft_budget_spent_ratio)", "{{budget}}")],
            "percentunit",
            "At 1 calls are stopped, degraded or asked about, as the budget says. Raise it, and runs that wait for it go on.",
            "bargauge",
            steps=(0.8, 1.0),
        ),
        Panel(
            "Budgets: what is left",
            [Query("max by (budget) (weft_budget_limit) - max by (budget) (weft_budget_spent)", "{{budget}}")],
            about="Falls as money is spent, and jumps back when a period begins.",
        ),
        Panel(
            "Calls whose price is unknown",
            [Query(f"sum(increase(weft_unpriced_calls_total{_RATE}))", "calls")],
            about="They are counted, and are no part of any sum of money: give their models a price.",
        ),
        Panel("Tokens of a call, 95 of 100", quantiles(_TOKENS, "gen_ai_token_type"), "short"),
    ],
    [Variable("workflow", "weft_tokens_total"), Variable("tenant", "weft_tenant_tokens_total")],
)

MODELS: Final = Board(
    "weft-models",
    "Weft: models and providers",
    [
        Panel("Calls by provider", rates(f"{_CALLS}_count", "gen_ai_provider_name"), "ops", stacked=True),
        Panel(
            "Calls that fail, by provider",
            [Query("weft:model_errors:ratio5m", "{{gen_ai_provider_name}}")],
            "percentunit",
            "A provider that fails often enough is left alone for a while; aliases go on to their next model.",
        ),
        Panel(
            "Errors by provider and code",
            [Query(f"sum by (provider, code) (rate(weft_model_errors_total{_RATE}))", "{{provider}} {{code}}")],
            "ops",
            "model_rate_limited: ask for a higher limit, or lower the pace. model_auth: look at the key.",
        ),
        Panel("Duration of a call, 95 of 100, by model", quantiles(_CALLS, "gen_ai_request_model"), "s"),
        Panel(
            "Time to the first piece of text, 95 of 100, by model",
            [Query("weft:time_to_first_chunk:p95_5m", "{{gen_ai_request_model}}")],
            "s",
        ),
        Panel("Calls by model", rates(f"{_CALLS}_count", "gen_ai_request_model"), "ops", stacked=True),
    ],
)

OPERATIONS: Final = Board(
    "weft-operations",
    "Weft: queue, workers, store",
    [
        Panel("Runs in the queue", [Query("max by (state) (weft_queue_depth)", "{{state}}")]),
        Panel("How long the oldest run has waited", [Query("max(weft_queue_lag_seconds)", "oldest")], "s"),
        Panel("Longest time without a row, by worker", [Query("max by (instance) (weft_run_quiet_seconds)", "{{instance}}")], "s", _STUCK),
        Panel("Runs that need an operator", [Query("max(weft_runs_needing_attention)", "runs")], about=_ATTENTION),
        Panel("Duration of a node, 95 of 100, by kind", quantiles("weft_node_duration_seconds", "kind"), "s"),
        Panel("Nodes that fail, by kind", rates("weft_node_duration_seconds_count", "kind", '{outcome="failed"}'), "ops"),
        Panel("One commit of the journal", quantiles("weft_journal_commit_seconds"), "s", "Grows when the disk is slow."),
        Panel(
            "Rows of a commit",
            [Query(f"sum(rate(weft_journal_batch_rows_sum{_RATE})) / sum(rate(weft_journal_batch_rows_count{_RATE}))", "rows")],
        ),
        Panel("Leases taken over", [Query(f"sum(increase(weft_lease_takeovers_total{_RATE}))", "leases")], about="Workers die, or stall."),
        Panel("Redis answers", [Query("min by (instance) (weft_redis_up)", "{{instance}}")], about="0 too where none is configured."),
        Panel(
            "News and chunks that were lost on their way to readers",
            [
                Query(f"sum(increase(weft_feed_dropped_total{_RATE}))", "news"),
                Query(f"sum(increase(weft_stream_chunks_dropped_total{_RATE}))", "chunks"),
            ],
        ),
        Panel("How long a scrape takes", [Query('max by (job) (scrape_duration_seconds{job=~"weft-.*"})', "{{job}}")], "s"),
    ],
)

BOARDS: Final = (OVERVIEW, MONEY, MODELS, OPERATIONS)
