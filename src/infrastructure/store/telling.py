"""What a batch of appends owes to webhooks."""

from collections.abc import Iterator
from datetime import datetime

from domain.ports.journal import Append
from domain.telling import MOST_BYTES, Told, told
from infrastructure.store.codec import encode


def told_with_bodies(append: Append, at: datetime) -> Iterator[tuple[Told, bytes]]:
    """Each thing that is told, and the bytes that are sent."""
    for one in told(append, at):
        body = encode(one.message)
        yield one, body if len(body) <= MOST_BYTES else encode(one.shorter)
