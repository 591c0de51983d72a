"""Where the past of a branch is: which rows of which ancestors are its own."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from domain.ids import Position, TenantId, ThreadId
from infrastructure.store.reader import Reader

FAR: Final = 2**62
"""Behind every position."""
# From the thread itself to its oldest ancestor. `upto`: what is shared of it, which is never more than its own branch shares of it.
_LINE = f"""WITH RECURSIVE line(thread, after, upto, age) AS (
    SELECT id, coalesce(parent_position, 0), {FAR}, 0 FROM threads WHERE id = $1 AND tenant = $2
    UNION ALL SELECT t.id, coalesce(t.parent_position, 0), CASE WHEN l.after < l.upto THEN l.after ELSE l.upto END, l.age + 1
        FROM line l JOIN threads c ON c.id = l.thread JOIN threads t ON t.id = c.parent WHERE l.after > 0
)"""
_STRETCHES = f"{_LINE} SELECT thread, after, upto FROM line ORDER BY age DESC"
SHARED_CHECKPOINT: Final = f"""{_LINE} SELECT c.position, c.body FROM line l
    JOIN checkpoints c ON c.thread = l.thread AND c.position <= l.upto WHERE c.position <= $3 ORDER BY c.position DESC LIMIT 1"""
# Whose row a position of the line is, and where that one's own rows begin. Nobody's: the beginning.
OWNER: Final = f"{_LINE} SELECT thread, after FROM line WHERE after < $3 AND $3 <= upto"
BEGINS: Final = f"""WITH owner AS ({OWNER})
    SELECT min(c.position) FROM checkpoints c JOIN owner ON c.thread = owner.thread"""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The rows of one ancestor behind `after`, up to `upto`."""

    thread: ThreadId
    after: Position
    upto: Position


@dataclass(frozen=True, slots=True)
class Lines:
    """A thread's ancestors never change, so they are asked for once."""

    reader: Reader
    most: int = 1_000
    _kept: OrderedDict[tuple[TenantId, ThreadId], tuple[Stretch, ...]] = field(default_factory=OrderedDict)

    async def of(self, tenant: TenantId, thread: ThreadId) -> Sequence[Stretch]:
        """Oldest first; nothing of a thread that is no branch, or is not there."""
        known = self._kept.get((tenant, thread))
        if known is None:
            known = await self._look(tenant, thread)
        else:
            self._kept.move_to_end((tenant, thread))
        return known

    async def _look(self, tenant: TenantId, thread: ThreadId) -> tuple[Stretch, ...]:
        rows = await self.reader.rows(_STRETCHES, thread, tenant)
        found = tuple(Stretch(ThreadId(name), Position(after), Position(upto)) for name, after, upto in rows[:-1])
        if rows:
            self._kept[tenant, thread] = found
            if len(self._kept) > self.most:
                self._kept.popitem(last=False)
        return found
