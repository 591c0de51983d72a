"""Names that came from outside, made safe to ask a store for."""

from uuid import UUID

from domain.errors import NotFound


def id_or(missing: type[NotFound], text: str) -> str:
    """An id in its one spelling. What cannot be an id names nothing, so it is the same `missing` as an id that is not known."""
    try:
        found = str(UUID(text))
    except ValueError:
        found = ""
    if found != text:
        raise missing(f"there is no {missing.code.removesuffix('_not_found')} {text[:64]!r}")
    return found
