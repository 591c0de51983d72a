"""The history, as readers get it, and what they may ask of it."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, JsonValue

from application.paging import PageOrder
from application.times import WrittenTime
from application.views import View, json_object
from domain.history import HistoryRecord, RecordType
from domain.ids import RunId, SessionId
from domain.ports.history import HistoryQuery

Word = Annotated[str | None, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]


class HistoryListOrder(PageOrder):
    """`type`: one of the six. `run`, `session` and `model` are the whole of what the record says; `text` is a part of what was said, in
    capitals or not. The times bound `timestamp`: from `since` on, before `until`."""

    type: RecordType | None = None
    run: Word = None
    session: Word = None
    model: Word = None
    since: WrittenTime | None = None
    until: WrittenTime | None = None
    text: Word = None

    def wanted(self) -> HistoryQuery:
        run = None if self.run is None else RunId(self.run)
        session = None if self.session is None else SessionId(self.session)
        return HistoryQuery(self.type, run, session, self.model, self.since, self.until, self.text)


class HistoryRecordView(View):
    """`data.content`: what was said, for operators, as far as the workflow lets the history keep it (`data.capture`). `run` is null of what
    no run did, `model` where none was asked."""

    id: str
    record_type: RecordType
    timestamp: datetime
    run: str | None
    user_id: str | None
    session_id: str | None
    model: str | None
    data: dict[str, JsonValue]

    @classmethod
    def of(cls, record: HistoryRecord) -> "HistoryRecordView":
        return cls._of(record, json_object(record.data))

    @classmethod
    def without_content(cls, record: HistoryRecord) -> "HistoryRecordView":
        return cls._of(record, json_object(record.without_content))

    @classmethod
    def _of(cls, record: HistoryRecord, data: dict[str, JsonValue]) -> "HistoryRecordView":
        return cls(
            id=record.id,
            record_type=record.record_type,
            timestamp=record.timestamp,
            run=record.run,
            user_id=record.user_id,
            session_id=record.session_id,
            model=record.model or None,
            data=data,
        )
