"""The limits of a run on money and tokens."""

from decimal import Decimal

from domain.errors import Failure
from domain.run.run import Run


def overspent(run: Run, node: str = "") -> Failure | None:
    """What it has used beyond what it may; `node` was the last to use something."""
    limits, used = run.limits, run.usage
    if limits.tokens is not None and used.total_tokens > limits.tokens:
        return Failure("limit_tokens", f"the run used {used.total_tokens} tokens; limits.tokens is {limits.tokens}", node)
    if limits.cost_usd is not None and used.cost.amount > limits.cost_usd:
        spent = used.cost.amount.quantize(Decimal("0.000001"))
        return Failure("limit_cost", f"the run cost {spent} {used.cost.currency}; limits.cost_usd is {limits.cost_usd}", node)
    return None
