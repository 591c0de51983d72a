"""What becomes of a node whose call does not fit into a budget."""

from collections.abc import Collection
from typing import Final, cast

from application.budgets.tills import Refusal
from domain.budget import AtLimit, plain
from domain.errors import BudgetExceeded, PriceUnknown, WeftError
from domain.json import Json
from domain.ports.nodes import Park
from domain.question import BUDGET, OnDeadline, Question

AGAIN: Final = "again"
STOP: Final = "stop"
_ANSWERS: Final = (AGAIN, STOP)


def cheaper_than(refused: Refusal | PriceUnknown, tried: Collection[str]) -> str | None:
    """The model to be called in place of the node's own; None: there is none beside those that were tried."""
    if not isinstance(refused, Refusal) or refused.budget.at_limit is not AtLimit.DEGRADE:
        return None
    return None if refused.budget.instead in tried else refused.budget.instead


def outcome_of(refused: Refusal | PriceUnknown) -> Park | WeftError:
    """What comes of an attempt whose call is not made."""
    if isinstance(refused, Refusal) and refused.budget.at_limit is AtLimit.PARK:
        return parked_for(refused)
    return error_of(refused)


def error_of(refused: Refusal | PriceUnknown) -> WeftError:
    return refused if isinstance(refused, PriceUnknown) else BudgetExceeded(refused.sentence)


def parked_for(refused: Refusal) -> Park:
    """It is tried again when somebody says so, when the budget has room again, or when the next period begins."""
    schema = {"enum": list(_ANSWERS), "description": f"`{AGAIN}`: try again now; `{STOP}`: the node fails with budget_exceeded"}
    until = None if refused.turns_at is None else refused.turns_at.timestamp()
    question = Question(_shown(refused), cast(dict[str, Json], schema), on_deadline=OnDeadline.DEFAULT)
    return Park(BUDGET, until, AGAIN, question=question)


def _shown(refused: Refusal) -> Json:
    budget, lack = refused.budget, refused.lack
    return {
        "budget": budget.id,
        "name": budget.name,
        "subject": refused.key.subject,
        "unit": budget.unit,
        "limit": plain(lack.limit),
        "spent": plain(lack.spent),
        "needed": plain(refused.needed),
        "message": refused.sentence,
    }
