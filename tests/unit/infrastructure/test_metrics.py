from datetime import UTC, datetime
from decimal import Decimal

from opentelemetry.semconv._incubating.attributes import error_attributes, gen_ai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics
from opentelemetry.semconv.schemas import Schemas
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.metrics import fill_calmly, fill_with_ids
from domain.ids import ContentHash, RunId, TenantId, ThreadId
from domain.ports.meter import ModelCall
from domain.ports.queue import QueueDepth
from domain.run.run import Run, RunStatus
from domain.usage import Money, Usage
from infrastructure.telemetry import conventions
from infrastructure.telemetry.counts import Counts
from infrastructure.telemetry.labels import LONGEST, BoundedLabel
from infrastructure.telemetry.metrics import STUCK_SECONDS, PrometheusMeter

ACME = TenantId("acme")


def scraped(meter: PrometheusMeter) -> dict[tuple[str, tuple[str, ...]], float]:
    """Samples by name and label values, in the order of the label names."""
    families = text_string_to_metric_families(meter.render()[0].decode())
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def a_run(status: RunStatus, workflow: str = "triage@1.2.0") -> Run:
    made = datetime(2026, 5, 4, tzinfo=UTC)
    return Run(RunId("r"), TenantId("t"), ThreadId("th"), workflow, ContentHash("c"), {}, made, status)


def test_runs_are_counted_by_status_and_the_name_of_their_workflow() -> None:
    meter = PrometheusMeter()
    for run in (a_run(RunStatus.COMPLETED), a_run(RunStatus.COMPLETED, "triage@2.0.0"), a_run(RunStatus.FAILED)):
        meter.run_ended(run, 0.25)

    samples = scraped(meter)

    assert samples["weft_runs_total", ("completed", "triage")] == 2
    assert samples["weft_runs_total", ("failed", "triage")] == 1
    assert (samples["weft_run_duration_seconds_count", ()], samples["weft_run_duration_seconds_sum", ()]) == (3, 0.75)
    assert samples["weft_run_duration_seconds_bucket", ("0.1",)] == 0
    assert samples["weft_run_duration_seconds_bucket", ("0.5",)] == 3


def test_nodes_are_timed_by_kind_and_outcome() -> None:
    meter = PrometheusMeter()
    for failed in (True, False, False):
        meter.node_ended("llm", 1.5, failed=failed)

    samples = scraped(meter)

    assert samples["weft_node_duration_seconds_count", ("llm", "failed")] == 1
    assert samples["weft_node_duration_seconds_sum", ("llm", "finished")] == 3.0


def test_tokens_and_known_cost_are_summed_and_unknown_prices_are_counted_apart() -> None:
    meter = PrometheusMeter()
    meter.used(ACME, "triage@1.0.0", Usage("fast", 100, 20, Money(Decimal("0.0125"))))
    meter.used(ACME, "triage@1.0.0", Usage("fast", 1, 2, Money(Decimal("0.5"), "EUR")))
    meter.used(ACME, "triage@1.0.0", Usage("home-made", 7, 8))

    samples = scraped(meter)

    assert samples["weft_tokens_total", ("prompt", "fast", "triage")] == 101
    assert samples["weft_tokens_total", ("completion", "fast", "triage")] == 22
    assert samples["weft_cost_total", ("USD", "fast", "triage")] == 0.0125
    assert samples["weft_cost_total", ("EUR", "fast", "triage")] == 0.5
    assert samples["weft_tokens_total", ("prompt", "home-made", "triage")] == 7
    assert not any(name == "weft_cost_total" and "home-made" in values for name, values in samples)
    assert samples["weft_unpriced_calls_total", ()] == 1


def test_the_store_is_watched() -> None:
    meter = PrometheusMeter()
    meter.committed(20, 0.003)
    meter.queue_seen(QueueDepth(9, 9, 9, 9.0))
    meter.queue_seen(QueueDepth(3, 2, 1, 4.5))
    meter.taken_over()

    samples = scraped(meter)

    assert [samples["weft_queue_depth", (state,)] for state in ("waiting", "claimed", "parked")] == [3, 2, 1]
    assert samples["weft_queue_lag_seconds", ()] == 4.5
    assert samples["weft_lease_takeovers_total", ()] == 1
    assert (samples["weft_journal_batch_rows_sum", ()], samples["weft_journal_commit_seconds_sum", ()]) == (20, 0.003)


def test_labels_are_bounded_and_nothing_is_lost() -> None:
    meter = PrometheusMeter(most_values=3)
    for number in range(10):
        meter.used(ACME, f"flow-{number}", Usage("fast", 1, 0))
        meter.node_ended(f"kind-{number}", 1.0, failed=False)

    samples = scraped(meter)

    tokens = {values[2]: value for (name, values), value in samples.items() if name == "weft_tokens_total" and values[0] == "prompt"}
    assert tokens == {"flow-0": 1, "flow-1": 1, "flow-2": 1, "other": 7}
    assert samples["weft_node_duration_seconds_count", ("other", "finished")] == 7


def test_a_label_lets_two_hundred_values_through_and_remembers_them() -> None:
    label = BoundedLabel()

    seen = [label(f"value-{number}") for number in range(205)]

    assert seen[:200] == [f"value-{number}" for number in range(200)]
    assert seen[200:] == ["other"] * 5
    assert label("value-7") == "value-7"


def test_two_meters_in_one_process_do_not_meet() -> None:
    first, second = PrometheusMeter(), PrometheusMeter()
    first.taken_over()

    assert scraped(second)["weft_lease_takeovers_total", ()] == 0


def test_a_scraper_gets_the_format_it_asks_for() -> None:
    meter = PrometheusMeter()

    assert meter.render()[1].startswith("text/plain")
    body, content_type = meter.render("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_what_is_as_long_as_a_bound_falls_below_it_and_what_is_longer_than_all_is_counted_too() -> None:
    meter = PrometheusMeter()
    for seconds in (0.001, 0.0011, 1000.0):
        meter.node_ended("tool", seconds, failed=False)

    samples = scraped(meter)

    buckets = [
        samples["weft_node_duration_seconds_bucket", ("tool", bound, "finished")] for bound in ("0.0001", "0.001", "0.005", "300.0", "+Inf")
    ]
    assert buckets == [0, 1, 2, 2, 3]


def test_nothing_is_missing_from_a_sum_when_two_labels_together_are_too_many() -> None:
    counts = Counts("weft_things", "Things", ("model", "workflow", "direction"), most=4, kept=("direction",))
    for number in range(10):
        counts.add(f"m{number % 3}", f"w{number}", "prompt", amount=number)

    (family,) = counts.collect()

    values = {tuple(sample.labels.values()): sample.value for sample in family.samples}
    assert len(values) == 5
    assert values["other", "other", "prompt"] == sum(range(4, 10))
    assert sum(values.values()) == sum(range(10))


def test_a_label_is_never_long_and_two_long_ones_with_one_beginning_stay_apart() -> None:
    label = BoundedLabel()

    first, second, others = label("x" * 500 + "1"), label("x" * 500 + "2"), label("\U0001f9f6" * 200)

    assert first != second
    assert [len(value.encode()) <= LONGEST for value in (first, second, others)] == [True, True, True]


def test_calls_to_models_are_counted_by_the_names_of_the_pinned_conventions() -> None:
    meter = PrometheusMeter()
    meter.model_called(ModelCall("openai", "gpt-4o", 0.5, 0.05, Usage("openai/gpt-4o", 100, 20)))
    meter.model_called(ModelCall("openai", "gpt-4o", 2.0, error="model_rate_limited"))

    samples = scraped(meter)

    call = ("chat", "openai", "gpt-4o")
    assert samples["gen_ai_client_token_usage_sum", (*call, "input")] == 100
    assert samples["gen_ai_client_token_usage_sum", (*call, "output")] == 20
    assert samples["gen_ai_client_operation_duration_seconds_count", ("", *call)] == 1
    assert samples["gen_ai_client_operation_duration_seconds_sum", ("model_rate_limited", *call)] == 2.0
    assert samples["gen_ai_client_operation_time_to_first_chunk_seconds_sum", call] == 0.05
    assert samples["weft_model_errors_total", ("model_rate_limited", "openai")] == 1


def test_the_pinned_names_are_those_that_opentelemetry_has() -> None:
    theirs = {
        value
        for module in (gen_ai_attributes, gen_ai_metrics, error_attributes)
        for value in vars(module).values()
        if isinstance(value, str)
    }
    ours = {value for name, value in vars(conventions).items() if name.isupper() and isinstance(value, str) and "." in value}

    assert ours - {conventions.VERSION} <= theirs
    assert f"https://opentelemetry.io/schemas/{conventions.VERSION}" == Schemas.V1_44_0.value


def test_a_tenants_tokens_and_money_are_summed_over_its_workflows() -> None:
    meter = PrometheusMeter()
    for workflow in ("a@1.0.0", "b@1.0.0"):
        meter.used(ACME, workflow, Usage("fast", 100, 20, Money(Decimal("0.25"))))

    samples = scraped(meter)

    assert samples["weft_tenant_tokens_total", ("prompt", "acme")] == 200
    assert samples["weft_tenant_cost_total", ("USD", "acme")] == 0.5


def test_a_budget_shows_what_is_spent_of_it() -> None:
    meter = PrometheusMeter()
    meter.budget_seen("acme/month", Decimal("7.50"), Decimal("10"))
    meter.budget_seen("closed", Decimal(0), Decimal(0))

    samples = scraped(meter)

    assert samples["weft_budget_spent", ("acme/month",)] == 7.5
    assert samples["weft_budget_limit", ("acme/month",)] == 10
    assert samples["weft_budget_spent_ratio", ("acme/month",)] == 0.75
    assert samples["weft_budget_spent_ratio", ("closed",)] == 1

    meter.budget_gone("closed")
    meter.budget_gone("never seen")

    assert b"closed" not in meter.render()[0]


def test_runs_that_come_to_no_row_are_stuck_and_stop_being_so() -> None:
    meter = PrometheusMeter()
    meter.runs_seen([3.0, STUCK_SECONDS, 4_000.0])
    before = scraped(meter)
    meter.runs_seen([])
    after = scraped(meter)

    assert (before["weft_runs_stuck", ()], before["weft_run_quiet_seconds", ()]) == (2, 4_000)
    assert (after["weft_runs_stuck", ()], after["weft_run_quiet_seconds", ()]) == (0, 0)


def test_ids_at_every_label_leave_a_scrape_within_a_mebibyte() -> None:
    meter = PrometheusMeter()
    fill_calmly(meter)
    fill_with_ids(meter, 1_500)
    full = meter.render()[0]
    fill_with_ids(meter, 500)
    later = meter.render()[0]

    assert len(later) <= 1024 * 1024
    assert later.count(b"\n") == full.count(b"\n"), "after every bound is reached no series is added"
