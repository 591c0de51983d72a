"""What the floors above may know of an error: its family, its code, what it says, and where in a document it lies."""

from domain.errors import (
    CursorGone,
    DocumentTooLarge,
    DomainError,
    Failure,
    Family,
    Forbidden,
    InfrastructureError,
    NotFound,
    PositionGone,
    Problem,
    ReaderTooSlow,
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
    "PositionGone",
    "Problem",
    "ReaderTooSlow",
    "Unauthenticated",
    "ValidationError",
    "WeftError",
    "begins_of",
    "below",
    "oldest_of",
    "problems_of",
]


def problems_of(error: WeftError) -> tuple[Problem, ...]:
    """Empty when the error is not about a document or a parameter."""
    return error.problems if isinstance(error, ValidationError) else ()


def begins_of(error: WeftError) -> int | None:
    """Of a position that retention removed: the first one that can still be read."""
    return error.begins if isinstance(error, PositionGone) else None


def oldest_of(error: WeftError) -> int | None:
    """Of a reader's cursor behind which rows were removed: the oldest one to start again from."""
    return error.begins - 1 if isinstance(error, CursorGone) else None


def below(pointer: str, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """The same problems of something that lies at `pointer` in a bigger document."""
    return tuple(Problem(pointer + problem.pointer, problem.code, problem.message) for problem in problems)
