"""What is decided of a failure, without a run around it."""

from datetime import UTC, datetime

import pytest

from application.deciding import RetryPolicy
from domain.errors import Failure
from domain.graph.definition import RetryRule

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("rule", "retry_after"),
    [
        pytest.param(RetryRule(attempts=2, first_seconds=1e300, max_seconds=1e300), None, id="a backoff of ages"),
        pytest.param(RetryRule(attempts=2), 1e300, id="a provider that asks for ages"),
    ],
)
def test_a_wait_ends_at_a_time_that_has_a_date(rule: RetryRule, retry_after: float | None) -> None:
    failure = Failure("busy", "busy", "a", 1, retryable=True, retry_after=retry_after)
    retry_at = RetryPolicy(jitter=lambda: 1.0).retry_at(rule, failure, NOW)

    assert retry_at is not None
    assert datetime.fromtimestamp(retry_at, UTC).year == 2037
