"""What happens to a run, in one shape for both ways of hearing it: in process, and as server-sent events."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from application.run_views import EndView, EventView, PassingView


Members: TypeAlias = dict[str, Any]
"""A JSON object that a service sent or a person gave."""


@dataclass(frozen=True, slots=True)
class Happening:
    """`name`: a journal row's type, `started`, `chunk`, `progress` or `end`; `data`: its members as JSON."""

    name: str
    data: Members

    @property
    def position(self) -> int | None:
        """Only journal rows have one."""
        return self.data.get("position")


def happening_of(item: "EventView | PassingView | EndView") -> Happening:
    data = item.model_dump(mode="json")
    name = data.get("type") or data.get("kind") or "end"
    return Happening("chunk" if name == "text" else name, data)
