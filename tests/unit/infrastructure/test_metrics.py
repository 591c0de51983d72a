from datetime import UTC, datetime
from decimal import Decimal

from prometheus_client.parser import text_string_to_metric_families

from domain.ids import ContentHash, RunId, TenantId, ThreadId
from domain.ports.queue import QueueDepth
from domain.run.run import Run, RunStatus
from domain.usage import Money, Usage
from infrastructure.telemetry.labels import BoundedLabel
from infrastructure.telemetry.metrics import PrometheusMeter

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
