"""What took the room, when a model says that it was given too much."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

from domain.errors import ModelError
from domain.json import Json
from domain.model import ModelRequest
from domain.ports.expressions import Scope
from infrastructure.models.texts import shortest_json
from infrastructure.models.tokens import tokens_in, tokens_in_message

SHOWN: Final = 3


class Reading(Protocol):
    """A template or a value: what of the scope it reads."""

    @property
    def paths(self) -> frozenset[tuple[str, ...]]: ...


@contextmanager
def telling_what_is_long(request: ModelRequest, scope: Scope, *read: Reading | None) -> Iterator[None]:
    """To a `model_context_length` of what is called within, it adds the largest of what the node reads, or of its messages."""
    try:
        yield
    except ModelError as error:
        if error.code == "model_context_length" and (told := largest(request, scope, read)):
            error.args = (f"{error.message}; {told}",)
        raise


def largest(request: ModelRequest, scope: Scope, read: Sequence[Reading | None]) -> str:
    """A sentence about sizes by our own count; "" when there is nothing to say."""
    paths = {path for one in read if one is not None for path in one.paths}
    sizes = sorted(((_size(scope, path), ".".join(path)) for path in paths), reverse=True)
    named = [f"`{name}` has about {size:,} tokens" for size, name in sizes[:SHOWN] if size > 0]
    messages = sorted(((tokens_in_message(message), at) for at, message in enumerate(request.messages)), reverse=True)
    if messages and len(messages) > 1:
        size, at = messages[0]
        named.append(f"message {at + 1} of {len(messages)} ({request.messages[at].get('role')}) has about {size:,}")
    return f"of what it was given {', '.join(named)}" if named else ""


def _size(scope: Scope, path: tuple[str, ...]) -> int:
    value: Json = dict(scope)
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    if value is None:
        return 0
    return tokens_in(value if isinstance(value, str) else shortest_json(value))
