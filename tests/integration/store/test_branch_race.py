"""Branches that are taken while retention forgets what they would stand on: each keeps its past for ever, or is refused."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from domain.errors import PositionGone
from domain.ids import BEGINNING, Position, ThreadId
from domain.ports.journal import Append, Checkpoint
from domain.ports.queue import Claim
from domain.thread import Thread, ThreadType
from infrastructure.ids import new_id
from infrastructure.store.sql.retention import KeptRetention
from infrastructure.store.store import Store
from tests.integration.store.builders import NOON, a_claim, a_result

ROWS, ROUNDS = 12, 25
SHARED = [pytest.param("sqlite", id="sqlite"), pytest.param("postgres", marks=pytest.mark.postgres, id="postgres")]
pytestmark = pytest.mark.parametrize("backend", SHARED, indirect=True)


async def told(store: Store, checkpoints: Sequence[int] = (4, 8)) -> Claim:
    """A run of so many rows, with a checkpoint behind some of them."""
    claim = await a_claim(store)
    for at in range(1, ROWS + 1):
        checkpoint = Checkpoint(Position(at), b"%d" % at) if at in checkpoints else None
        await store.journal.append(Append(claim.lease, Position(at - 1), [a_result(f"/a#{at}")], checkpoint=checkpoint))
    return claim


def a_branch(claim: Claim, at: int, parent: ThreadId | None = None) -> Thread:
    of = parent or claim.run.thread
    return Thread(ThreadId(new_id()), claim.run.tenant, NOON, ThreadType.BRANCH, parent=of, parent_position=Position(at))


async def took(store: Store, branch: Thread) -> bool:
    try:
        await store.threads.add(branch)
    except PositionGone:
        return False
    return True


async def stands(store: Store, branch: Thread) -> bool:
    """Its state can be made: every row is there from its newest checkpoint, or from the beginning, up to where it left."""
    newest = await store.journal.newest_checkpoint(branch.tenant, branch.id, branch.parent_position)
    after = BEGINNING if newest is None else newest.position
    rows = await store.journal.read(branch.tenant, branch.id, after)
    return [row.position for row in rows] == list(range(after + 1, branch.parent_position + 1))


async def forget(store: Store, claim: Claim, limit: int = 100) -> int:
    return await store.retention.forget_rows(claim.run.created_at + timedelta(hours=1), limit)


@pytest.mark.parametrize("at", [3, 4, 6])
async def test_a_branch_taken_when_retention_has_chosen_what_to_forget_keeps_its_past(
    store: Store, beside: Store, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    claim = await told(store)
    branch = a_branch(claim, at)
    forgets = KeptRetention._forget_before

    async def branched_first(self: KeptRetention, *chosen: object) -> int:
        await beside.threads.add(branch)
        return await forgets(self, *chosen)  # type: ignore[arg-type]

    monkeypatch.setattr(KeptRetention, "_forget_before", branched_first)
    await forget(store, claim)

    assert await stands(store, branch)


@pytest.mark.parametrize(("at", "is_taken"), [(3, False), (7, False), (8, True), (9, True), (0, True)])
async def test_a_branch_taken_after_retention_is_refused_where_nothing_is_left_to_stand_on(store: Store, at: int, is_taken: bool) -> None:
    claim = await told(store)
    await forget(store, claim)
    branch = a_branch(claim, at)

    assert await took(store, branch) is is_taken
    if is_taken:
        assert at == 0 or await stands(store, branch)
    else:
        with pytest.raises(PositionGone) as gone:
            await store.threads.add(branch)
        assert gone.value.begins == 8
        assert await store.threads.below(branch.tenant, branch.id, 1) == []


async def test_a_row_that_is_still_there_is_nothing_to_stand_on_once_those_before_it_are_gone(store: Store) -> None:
    """Retention goes in batches, and this one has got half way."""
    claim = await told(store)
    assert await forget(store, claim, limit=2) == 2
    (row,) = await store.journal.read(claim.run.tenant, claim.run.thread, Position(5), 1)

    assert row.position == 6
    assert not await took(store, a_branch(claim, 6))
    assert await took(store, a_branch(claim, 8))


async def test_a_branch_of_a_branch_is_refused_where_their_ancestor_has_forgotten(store: Store) -> None:
    claim = await told(store)
    first = a_branch(claim, 9)
    await store.threads.add(first)
    await forget(store, claim)

    assert [await took(store, a_branch(claim, at, parent=first.id)) for at in (3, 8, 9)] == [False, True, True]


async def test_branches_and_retention_at_the_same_moment_lose_nothing(store: Store, beside: Store) -> None:
    taken = 0
    for number in range(ROUNDS):
        claim = await told(store)
        branches = [a_branch(claim, at) for at in range(1, 9)]
        order = branches[number % 8 :] + branches[: number % 8]
        *answers, _ = await asyncio.gather(*(took(beside, branch) for branch in order), forget(store, claim))
        taken += answers.count(True)
        for branch, is_taken in zip(order, answers, strict=True):
            assert not is_taken or await stands(store, branch), (number, branch.parent_position)

    assert taken
