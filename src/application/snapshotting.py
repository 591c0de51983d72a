"""Snapshots that a run takes of its thread by itself, as its start asked: each is of the state at exactly its position, and is kept with
the rows up to there."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid5

from application.drive import Drive
from domain.ids import ROOT, Position, SnapshotId
from domain.json import Json
from domain.ports.journal import Append
from domain.run import events, fold
from domain.run.run import RunStatus
from domain.snapshot import CheckpointType, SnapshotMetadata, ThreadSnapshot

TOOL: Final = "tool"
"""The kind of node before which a snapshot is taken."""


def packed(values: Mapping[str, Json]) -> bytes:
    """The `data` of a snapshot. What no journal holds is refused with the row that made it, not here."""
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode(errors="surrogatepass")


def unpacked(data: bytes) -> dict[str, Json]:
    values: dict[str, Json] = json.loads(data)
    return values


@dataclass(slots=True, eq=False)
class SnapshottingDrive(Drive):
    """A drive of a run that asked for snapshots; all others are spared the looking."""

    taken_here: list[ThreadSnapshot] = field(default_factory=list)

    @classmethod
    def of(cls, drive: Drive) -> "SnapshottingDrive":
        """Not begun yet; its first row may have been recorded."""
        watching = cls(drive.tools, drive.lease, drive.loaded, drive.state, drive.run, drive.position, drive.durable)
        watching.outbox = drive.outbox
        for event in drive.outbox:
            watching.look_at(event)
        return watching

    def record(self, event: events.Event) -> None:
        Drive.record(self, event)
        self.look_at(event)

    def look_at(self, event: events.Event) -> None:
        """Takes what this newest row asks for."""
        policy = self.run.snapshots
        assert policy is not None, "only a run that asked for snapshots is watched"
        every, number = policy.automatic_every, self.position - self.run.first
        if every and (number % every == 0 or isinstance(event, events.RunEnded)):
            self._take(CheckpointType.AUTOMATIC, f"after row {self.position}")
        for trigger in policy.triggers:
            if (name := self._name(trigger, event)) is not None:
                self._take(trigger, name)

    def _name(self, trigger: CheckpointType, event: events.Event) -> str | None:
        """None: this row does not ask for one."""
        match trigger:
            case CheckpointType.BEFORE_TOOL:
                fresh = [one for one in self.state.ready if one.read_at == self.position and one.attempt == 1]
                tools = [one.path for one in fresh if one.frame.graph.nodes[one.index].kind == TOOL]
                return f"before {', '.join(tools)}" if tools else None
            case CheckpointType.AFTER_NODE if isinstance(event, events.NodeFinished) and event.activation.rpartition("/")[0] == ROOT:
                return f"after {event.activation}"
            case CheckpointType.ERROR if isinstance(event, events.NodeFailed):
                return f"{event.activation} failed"
            case CheckpointType.ERROR if isinstance(event, events.RunFailing):
                return "the run is failing"
            case CheckpointType.ERROR if isinstance(event, events.RunEnded) and event.status == RunStatus.FAILED:
                return "the run failed"
            case _:
                return None

    def _take(self, kind: CheckpointType, name: str) -> None:
        now, run, policy = self.tools.clock.now(), self.run, self.run.snapshots
        data = packed(fold.carried(self.loaded.values, self.state))
        snapshot = ThreadSnapshot(
            id=SnapshotId(str(uuid5(UUID(run.id), f"{kind.value} {self.position}"))),
            tenant=self.lease.tenant,
            thread=self.lease.thread,
            position=Position(self.position),
            created_at=now,
            by=f"run:{run.id}",
            data=data,
            checkpoint_type=kind,
            metadata=SnapshotMetadata(name[:200], tags=(f"run:{run.id}",), size_bytes=len(data)),
            expires_at=None if policy is None or policy.seconds is None else now + timedelta(seconds=policy.seconds),
        )
        self.taken_here.append(snapshot)

    def _take_unit(self, release_at: float | None) -> Append:
        taken, self.taken_here = self.taken_here, []
        return replace(Drive._take_unit(self, release_at), snapshots=taken)
