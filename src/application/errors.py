"""What the floors above may know of an error: its family, its code, what it says, and where in a document it lies."""

from domain.errors import (
    DocumentTooLarge,
    DomainError,
    Failure,
    Family,
    Forbidden,
    InfrastructureError,
    NotFound,
    Problem,
    Unauthenticated,
    ValidationError,
    WeftError,
)

__all__ = [
    "DocumentTooLarge",
    "DomainError",
    "Failure",
    "Family",
    "Forbidden",
    "InfrastructureError",
    "NotFound",
    "Problem",
    "Unauthenticated",
    "ValidationError",
    "WeftError",
    "below",
    "problems_of",
]


def problems_of(error: WeftError) -> tuple[Problem, ...]:
    """Empty when the error is not about a document or a parameter."""
    return error.problems if isinstance(error, ValidationError) else ()


def below(pointer: str, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """The same problems of something that lies at `pointer` in a bigger document."""
    return tuple(Problem(pointer + problem.pointer, problem.code, problem.message) for problem in problems)
