"""Deeds without secrets, should one be in a path, in the words of a rule, or in what is told about it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from domain.audit import Deed
from domain.json import Json
from domain.ports.secrets import Redact


def redacted(deed: Deed, redact: Redact) -> Deed:
    """The very deed when there is none, which one look at all of its words tells."""
    words = "\0".join((deed.who, deed.resource, deed.rule, *_texts(deed.about)))
    if redact(words) == words:
        return deed
    about = {redact(name): _without(value, redact) for name, value in deed.about.items()}
    return replace(deed, who=redact(deed.who), resource=redact(deed.resource), rule=redact(deed.rule), about=about)


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from value
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _without(value: Json, redact: Redact) -> Json:
    match value:
        case str():
            return redact(value)
        case Mapping():
            return {redact(name): _without(inner, redact) for name, inner in value.items()}
        case list() | tuple():
            return [_without(inner, redact) for inner in value]
        case _:
            return value
