"""Records of the history as rows of their table and back, and pages of what comes from several places."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from domain.errors import ValidationError
from domain.history import CONTENT, WRITTEN, HistoryRecord, RecordType, texts_in
from domain.ids import RunId, TenantId
from domain.ports.history import HistoryQuery
from domain.ports.repositories import Page
from infrastructure.store.codec import encode, plain
from infrastructure.store.cursor import pack, unpack
from infrastructure.store.rows import Row, moment, seconds

HISTORY_COLUMNS: Final = "tenant, at, id, type, run, session, user_id, model, words, data"
WORDS: Final = 4_096
"""Characters of what was said that are searched, from its beginning."""
LOOKED_AT: Final = 2_000
"""Records that one page looks at when a text is wanted."""
PLACES: Final = ("written", RecordType.TOKEN_USAGE.value, RecordType.COST_RECORD.value, RecordType.WORKFLOW_EXECUTION.value)
"""Where records come from; of the same time they are shown in this order."""
Ends = Mapping[str, tuple[float, str]]
"""By place the time and key of the last record that was looked at."""


@dataclass(frozen=True, slots=True)
class Found:
    """`key` orders records of one place and time. `record` is None when it was looked at and is not wanted."""

    place: str
    at: float
    key: str
    record: HistoryRecord | None


def places_of(wanted: HistoryQuery) -> Sequence[str]:
    """Where there may be records that are wanted. Only what was said has words, and a run has no model of its own."""
    kind = wanted.record_type
    if kind is not None:
        places: Sequence[str] = PLACES[:1] if kind in WRITTEN else (kind.value,)
    else:
        places = PLACES
    if wanted.text is not None:
        places = [place for place in places if place == PLACES[0]]
    return [place for place in places if place != PLACES[3] or wanted.model is None]


def most_of(wanted: HistoryQuery, limit: int) -> int:
    """How many records a page looks at."""
    return limit if wanted.text is None else max(LOOKED_AT, limit)


def page_of(found: Iterable[Found], limit: int, most: int, ends: Ends) -> Page[HistoryRecord]:
    """`found`: of each place newest first, one more than `most` where there are so many."""
    ordered = sorted(found, key=lambda one: (-one.at, PLACES.index(one.place)))
    shown: list[HistoryRecord] = []
    reached = dict(ends)
    for number, one in enumerate(ordered):
        if len(shown) == limit or number == most:
            return Page(tuple(shown), _cursor(reached))
        reached[one.place] = (one.at, one.key)
        if one.record is not None:
            shown.append(one.record)
    return Page(tuple(shown), None)


def ends_of(cursor: str | None) -> Ends:
    if cursor is None:
        return {}
    told = iter(unpack(cursor, 2 * len(PLACES)))
    try:
        return {place: (float(at), _key_of(place, key)) for place, at, key in zip(PLACES, told, told, strict=True) if at}
    except ValueError:
        raise ValidationError("this cursor is not one that a list gave out: leave it away to start from the first page") from None


def _key_of(place: str, key: str) -> str:
    """`ValueError` unless it is a number where keys are the ledger's."""
    return str(int(key) % 2**63) if place in PLACES[1:3] else key


def _cursor(ends: Ends) -> str:
    told = [(repr(ends[place][0]), ends[place][1]) if place in ends else ("", "") for place in PLACES]
    return pack([part for pair in told for part in pair])


def history_row(record: HistoryRecord) -> Row:
    people = (record.run, record.session_id, record.user_id)
    return (
        record.tenant,
        seconds(record.timestamp),
        record.id,
        record.record_type.value,
        *people,
        record.model,
        words_of(record),
        encode(record.data),
    )


def record_of(row: Row) -> HistoryRecord:
    """Of a row without `words`."""
    tenant, at, identity, kind, run, session, user, model, data = row
    whose = (None if run is None else RunId(run), user, session)
    return HistoryRecord(identity, RecordType(kind), moment(at), TenantId(tenant), *whose, model, plain(data))


def words_of(record: HistoryRecord) -> str:
    """In small letters, the beginning of all that was said."""
    return "\n".join(_within(texts_in(record.data.get(CONTENT)))).casefold()[:WORDS].replace("\0", " ")


def folded(text: str) -> str:
    return text.casefold().replace("\0", " ")


def _within(texts: Iterator[str]) -> Iterator[str]:
    left = WORDS
    for text in texts:
        if left <= 0:
            return
        yield text[:left]
        left -= len(text)
