"""How a node is put down between two of its calls, and what becomes of it where a budget has no room."""

from application.budgets.refusing import error_of, parked_for
from application.budgets.tills import Refusal
from domain.budget import AtLimit
from domain.errors import PriceUnknown
from domain.ports.nodes import Park


class LetGo(BaseException):
    """The node is put down here, and taken up again later; what it did so far is kept."""


class Parked(LetGo):
    """The node is put down until a budget has room."""

    def __init__(self, park: Park) -> None:
        super().__init__()
        self.park = park


class TooLate(LetGo):
    """The node is over, or put down, and the call had not begun."""


def outcome_of(refused: Refusal | PriceUnknown) -> BaseException:
    if isinstance(refused, Refusal) and refused.budget.at_limit is AtLimit.PARK:
        return Parked(parked_for(refused))
    return error_of(refused)
