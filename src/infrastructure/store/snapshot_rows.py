"""Snapshots as rows, and back."""

from typing import Any, Final, TypeAlias

from domain.ids import Position, SnapshotId, TenantId, ThreadId
from domain.snapshot import CheckpointType, SnapshotMetadata, ThreadSnapshot
from infrastructure.store.codec import encode, plain
from infrastructure.store.rows import Row, moment, seconds

COLUMNS: Final = "id, tenant, thread, position, kind, created_at, expires_at, size_bytes, tags, about, body"
Values: TypeAlias = dict[str, Any]
"""By column."""


def snapshot_row(snapshot: ThreadSnapshot) -> Row:
    about = snapshot.metadata
    return (
        snapshot.id,
        snapshot.tenant,
        snapshot.thread,
        snapshot.position,
        snapshot.checkpoint_type.value,
        seconds(snapshot.created_at),
        None if snapshot.expires_at is None else seconds(snapshot.expires_at),
        about.size_bytes,
        "".join(line_of(tag) for tag in about.tags),
        encode({"name": about.name, "description": about.description, "tags": about.tags, "by": snapshot.by}),
        snapshot.data,
    )


def line_of(tag: str) -> str:
    """A tag as the column holds it; what is looked for there is found once."""
    return f"\n{tag}\n"


def snapshot_values(snapshot: ThreadSnapshot) -> Values:
    return dict(zip(COLUMNS.split(", "), snapshot_row(snapshot), strict=True))


def snapshot_of(row: Row) -> ThreadSnapshot:
    identity, tenant, thread, position, kind, created_at, expires_at, size_bytes, _tags, told, body = row
    about = plain(told)
    return ThreadSnapshot(
        SnapshotId(identity),
        TenantId(tenant),
        ThreadId(thread),
        Position(position),
        moment(created_at),
        about["by"],
        body,
        CheckpointType(kind),
        SnapshotMetadata(about["name"], about["description"], tuple(about["tags"]), size_bytes),
        None if expires_at is None else moment(expires_at),
    )
