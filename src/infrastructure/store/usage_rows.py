"""Lines of the usage ledger as rows of their table, and what becomes of one that is there already."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from domain.ids import Epoch, RunId, TenantId
from domain.tally import attos_of, limbs_of
from domain.usage import Money, Usage, UsageRow, UsageState
from infrastructure.store.reader import Reader
from infrastructure.store.rows import Row

USAGE_COLUMNS = (
    "tenant, thread, run, workflow, activation, effect, attempt, epoch, model, prompt_tokens, completion_tokens, cost, currency, "
    "estimated, state, node, prompt, session, user_id, cached_tokens, reasoning_tokens, at, day, cost_whole, cost_nano, cost_atto"
)
USAGE_TYPES = (
    *("text",) * 5,
    *("bigint",) * 3,
    "text",
    *("bigint",) * 2,
    *("text",) * 2,
    "bool",
    *("text",) * 5,
    *("bigint",) * 2,
    "float8",
    *("bigint",) * 4,
)
"""Of these columns, in PostgreSQL."""
SETTLED = (
    "model",
    "prompt_tokens",
    "completion_tokens",
    "cost",
    "currency",
    "estimated",
    "state",
    "prompt",
    "cached_tokens",
    "reasoning_tokens",
    "cost_whole",
    "cost_nano",
    "cost_atto",
)
"""What a line that gives way takes over; the rest says which call it is, and when it was first written."""
_BETTER = ", ".join(f"('{now}', '{then}')" for now in UsageState for then in UsageState if now.gives_way_to(then))
USAGE_GIVES_WAY = f"""ON CONFLICT (run, activation, effect, attempt, epoch) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in SETTLED)}
    WHERE (usage.state, excluded.state) IN (VALUES {_BETTER})"""
"""`UsageState.gives_way_to`, as both databases spell it."""
_RESERVED = f"""SELECT {USAGE_COLUMNS} FROM usage
    WHERE run = $1 AND tenant = $2 AND state = 'reserved' AND epoch < $3 ORDER BY number"""


@dataclass(frozen=True, slots=True)
class ReservedLines:
    """Asked as soon as a worker has taken a run over."""

    reader: Reader

    async def reserved(self, tenant: TenantId, run: RunId, before: Epoch) -> Sequence[UsageRow]:
        return [usage_of(row) for row in await self.reader.few(_RESERVED, run, tenant, before)]


def usage_row(row: UsageRow) -> Row:
    used, cost = row.usage, row.usage.cost
    return (
        row.tenant,
        row.thread,
        row.run,
        row.workflow,
        row.activation,
        row.effect,
        row.attempt,
        row.epoch,
        used.model,
        used.prompt_tokens,
        used.completion_tokens,
        str(cost.amount) if cost else None,
        cost.currency if cost else None,
        used.estimated,
        row.state.value,
        row.node,
        used.prompt,
        row.session,
        row.user,
        used.cached_tokens,
        used.reasoning_tokens,
        row.at,
        row.day,
        *limbs_of(attos_of(cost.amount) if cost else 0),
    )


def usage_of(row: Row) -> UsageRow:
    tenant, thread, run, workflow, activation, effect, attempt, epoch, *rest = row
    model, prompt_tokens, completion_tokens, cost, currency, estimated, state, _, prompt, session, user, cached, reasoning, at, *_ = rest
    money = None if cost is None else Money(Decimal(cost), currency)
    used = Usage(model, prompt_tokens, completion_tokens, money, bool(estimated), cached, reasoning, prompt)
    return UsageRow(tenant, thread, run, workflow, activation, effect, attempt, epoch, used, UsageState(state), session, user, at)
