"""Threads as rows, and back."""

from typing import Any, Final, TypeAlias

from domain.graph.flow import Priority
from domain.ids import Position
from domain.thread import OnFailure, Thread, ThreadMetadata, ThreadType
from infrastructure.store.codec import plain
from infrastructure.store.rows import Row, moment, seconds
from infrastructure.store.starting import thread_body

Values: TypeAlias = dict[str, Any]
"""By column."""

THREAD_COLUMNS: Final = "id, tenant, created_at, thread_type, body, session, parent, parent_position, line"


def head_row(thread: Thread) -> Values:
    return {"thread": thread.id, "tenant": thread.tenant, "epoch": 0, "position": thread.parent_position}


def thread_row(thread: Thread) -> Values:
    return {
        "id": thread.id,
        "tenant": thread.tenant,
        "created_at": seconds(thread.created_at),
        "thread_type": thread.thread_type.value,
        "body": thread_body(thread),
        "session": thread.session,
        "parent": thread.parent,
        "parent_position": None if thread.parent is None else thread.parent_position,
        "line": None if thread.line == thread.id else thread.line,
    }


def thread_of(row: Row) -> Thread:
    thread, tenant, created_at, thread_type, body, session, parent, parent_position, _ = row
    said = plain(body)
    about = said["metadata"]
    priority = None if about.get("priority") is None else Priority(about["priority"])
    return Thread(
        thread,
        tenant,
        moment(created_at),
        ThreadType(thread_type),
        ThreadMetadata(about["name"], about["description"], priority, OnFailure(about.get("on_failure", OnFailure.COLLECT))),
        said["labels"],
        session,
        parent,
        Position(parent_position or 0),
    )
