"""JSON without secrets. Its texts are looked at as one: a secret is looked for once, and not once in each of ninety thousand."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Final

from domain.json import Json
from domain.ports.secrets import Redact

LARGE: Final = 64 * 1024
"""Characters. What has more is looked through in a thread."""
_BETWEEN: Final = "\0"


async def redacted_aside(value: Json, redact: Redact) -> Json:
    """As `redacted`, and nobody else waits for a large one."""
    return await asyncio.to_thread(redacted, value, redact) if sum(map(len, _texts(value))) > LARGE else redacted(value, redact)


def redacted(value: Json, redact: Redact) -> Json:
    """The same value when nothing in it is secret. Names in objects are texts too."""
    texts = list(_texts(value))
    together = _BETWEEN.join(texts)
    shown = redact(together)
    if shown == together:
        return value
    parts = shown.split(_BETWEEN)
    is_apart = together.count(_BETWEEN) == len(texts) - 1 == len(parts) - 1
    return _with(value, iter(parts) if is_apart else map(redact, texts))


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _with(value: Json, texts: Iterator[str]) -> Json:
    """The same with other texts, which come in the order of `_texts`."""
    if isinstance(value, str):
        return next(texts)
    if isinstance(value, Mapping):
        return {next(texts): _with(inner, texts) for inner in value.values()}
    if isinstance(value, list | tuple):
        return [_with(inner, texts) for inner in value]
    return value
