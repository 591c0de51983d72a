"""Pages of what is short enough to be held in memory whole, and of what a store hands out."""

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from application.errors import Problem, ValidationError
from application.views import PageView
from domain.ports.repositories import Page

T = TypeVar("T")
V = TypeVar("V")


class PageOrder(BaseModel):
    """Which part of a list. `cursor` is what the page before called `next_cursor`."""

    model_config = ConfigDict(extra="forbid", frozen=True)  # built at once: FastAPI takes it apart for its parameters

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(min_length=1, max_length=512, pattern=r"^[!-~]+$")] = None


def shown(page: Page[T], view: Callable[[T], V]) -> PageView[V]:
    return PageView(items=[view(item) for item in page.items], next_cursor=page.next_cursor)


def slice_of(items: Sequence[T], order: PageOrder, view: Callable[[T], V]) -> PageView[V]:
    """A page of a list that does not change while it is read; its cursor is an offset."""
    start = _offset(order.cursor)
    end = start + order.limit
    return PageView(items=[view(item) for item in items[start:end]], next_cursor=f"o{end}" if end < len(items) else None)


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    digits = cursor[1:]
    if cursor[0] != "o" or not digits.isascii() or not digits.isdigit() or len(digits) > 9:
        raise ValidationError(
            "the cursor is not one of ours", [Problem("/query/cursor", "bad_cursor", "use `next_cursor` of the page before")]
        )
    return int(digits)
