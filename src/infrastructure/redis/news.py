"""News as they stand in a stream: one message holds several, each a short JSON array that begins with its kind."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

import orjson

from domain.ids import Position, RunId, ThreadId
from domain.ports.feed import Passing
from domain.ports.journal import Recorded

LARGEST_ROW: Final = 64 * 1024
"""Bytes. A larger row is not sent, but that there is one: the journal has it."""
_ROW, _PASSING, _LOOK = "r", "p", "l"


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Something happened to a run that the journal can tell better."""

    run: RunId


News: TypeAlias = Recorded | Passing | LookAgain


def written(news: Recorded | Passing) -> bytes:
    match news:
        case Passing():
            return orjson.dumps((_PASSING, news.run, news.kind, news.activation, news.text))
        case Recorded() if len(news.body) <= LARGEST_ROW:
            return orjson.dumps((_ROW, news.thread, news.position, news.run, news.kind, news.body.decode(), news.at.isoformat()))
        case Recorded():
            return orjson.dumps((_LOOK, news.run))


def joined(news: Sequence[bytes]) -> bytes:
    return b"[%b]" % b",".join(news)


def read(message: bytes) -> Iterator[News]:
    """`ValueError` for what is no news of this version."""
    for kind, *parts in orjson.loads(message):
        match kind, parts:
            case "r", [str(thread), int(position), str(run), str(name), str(body), str(at)]:
                yield Recorded(ThreadId(thread), Position(position), RunId(run), name, body.encode(), datetime.fromisoformat(at))
            case "p", [str(run), str(name), str(activation), str(text)]:
                yield Passing(RunId(run), name, activation, text)
            case "l", [str(run)]:
                yield LookAgain(RunId(run))
            case _:
                raise ValueError("no news of this version")
