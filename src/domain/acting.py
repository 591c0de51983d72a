"""For whom a run acts, and what it may call."""

from dataclasses import dataclass

from domain.ids import SessionId


@dataclass(frozen=True, slots=True)
class Acting:
    """For whom a run acts: what was so of its session when it was started. It stays so, whatever becomes of the session."""

    session: SessionId
    user_id: str
    permissions: tuple[str, ...] | None = None
