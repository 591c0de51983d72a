"""Rows as readers get them. A row is JSON already: what every row has is put before it, nothing is parsed."""

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Final

from application.run_views import EventView
from domain.ports.feed import Passing
from domain.ports.journal import Recorded
from domain.run.events import EVENT_TYPES

_OURS: Final = frozenset(("position", "type", "at", "run"))
_SPLICED: Final = frozenset(event.kind for event in EVENT_TYPES if not _OURS & {field.name for field in fields(event)})
"""Kinds of rows that name none of these members themselves."""

_quoted: Final = json.JSONEncoder(ensure_ascii=False).encode


def row_json(row: Recorded) -> bytes:
    """The JSON of its `EventView`."""
    if row.kind not in _SPLICED:
        return EventView.of(row).model_dump_json().encode()
    at = row.at.isoformat().replace("+00:00", "Z")
    head = f'{{"position":{row.position},"type":"{row.kind}","at":"{at}","run":"{row.run}"'.encode()
    return head + (b"}" if row.body == b"{}" else b"," + row.body[1:])


def passing_json(news: Passing) -> bytes:
    """The JSON of its `PassingView`. Half a character, which a provider may send, is shown as a question mark."""
    kind, activation, text = _quoted(news.kind), _quoted(news.activation), _quoted(news.text)
    return f'{{"kind":{kind},"activation":{activation},"text":{text},"dropped":{news.dropped}}}'.encode(errors="replace")


def page_json(rows: Sequence[Recorded], after: int) -> bytes:
    """The JSON of their `EventsPageView`."""
    return b'{"items":[%b],"next":%d}' % (b",".join(map(row_json, rows)), rows[-1].position if rows else after)
