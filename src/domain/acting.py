"""For whom a run acts, and what it may call."""

from dataclasses import dataclass
from typing import Final

from domain.errors import Forbidden
from domain.ids import SessionId

ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class Acting:
    """For whom a run acts: what was so of its session when it was started. It stays so, whatever becomes of the session."""

    session: SessionId
    user_id: str
    permissions: tuple[str, ...] | None = None

    def must_be_allowed(self, tool: str) -> None:
        """`Forbidden` for a tool that the permissions do not name."""
        if self.permissions is None or any(_covers(entry, tool) for entry in self.permissions):
            return
        names = ", ".join(self.permissions) or "none at all"
        raise Forbidden(f"the session lets this run call {names}, not {tool}: change its permissions and start another run")


def _covers(entry: str, tool: str) -> bool:
    return tool.startswith(entry[:-1]) if entry.endswith(ANY) else tool == entry
