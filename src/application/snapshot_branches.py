"""A snapshot brought back beside the thread it was taken of: as a branch, which goes its own way from there."""

from dataclasses import dataclass

from application.names import id_or
from application.once import digest_of
from application.snapshot_orders import SnapshotBranchOrder
from application.snapshots import SnapshotDesk
from application.snapshotting import unpacked
from application.views import ThreadView
from domain.access import Principal, Role
from domain.errors import PositionGone, ThreadNotFound
from domain.ids import Position, ThreadId
from domain.snapshot import ThreadSnapshot
from domain.thread import Thread, ThreadMetadata, ThreadType


@dataclass(frozen=True, slots=True)
class BranchSnapshot:
    """The thread itself stays as it is, whatever runs on it."""

    desk: SnapshotDesk

    async def __call__(self, who: Principal, thread: str, snapshot: str, order: SnapshotBranchOrder, key: str | None = None) -> ThreadView:
        """`SnapshotExpired`; else a thread that holds what the snapshot holds."""
        who.must_be(Role.OPERATOR)
        desk = self.desk
        found = await desk.find(who, thread, snapshot)
        digest = digest_of(f"branch {found.thread} {found.id}", order.model_dump(mode="json"))
        name = desk.new_id() if key is None else await desk.once.named(who, key, digest, desk.new_id())
        at = await self._branches_at(who, ThreadId(id_or(ThreadNotFound, thread)), found.position)
        about = ThreadMetadata(order.name or found.metadata.name, order.description)
        branch = Thread(
            ThreadId(name),
            who.tenant,
            desk.clock.now(),
            ThreadType.BRANCH,
            about,
            order.labels,
            parent=found.thread,
            parent_position=at,
        )
        await desk.threads.add(branch)
        made = await desk.threads.get(who.tenant, branch.id)
        if made.parent_position != found.position:
            await self._bring_back(who, made, found)
        return ThreadView.of(made)

    async def _branches_at(self, who: Principal, thread: ThreadId, position: Position) -> Position:
        """Where the snapshot was taken; when retention has removed that, the first position that is left."""
        try:
            return (await self.desk.past.at(who.tenant, thread, position)).position
        except PositionGone as gone:
            return Position(gone.begins)

    async def _bring_back(self, who: Principal, branch: Thread, snapshot: ThreadSnapshot) -> None:
        """By a row of its own, once."""
        moment = await self.desk.past.at(who.tenant, branch.id)
        if moment.position > branch.parent_position:
            return
        digest = digest_of("bring back", snapshot.id)
        await self.desk.restoring.to(
            who,
            branch.id,
            snapshot.position,
            unpacked(snapshot.data),
            None,
            "",
            key=None,
            digest=digest,
            snapshot=snapshot.id,
        )
