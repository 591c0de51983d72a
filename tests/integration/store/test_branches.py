"""What every journal promises of threads that share a past."""

from collections.abc import Sequence

from domain.ids import Position, ThreadId
from domain.ports.journal import Checkpoint
from domain.ports.queue import Claim
from domain.ports.repositories import NewRun
from domain.thread import Thread, ThreadType
from infrastructure.ids import new_id
from infrastructure.store.store import Store
from tests.integration.store.builders import NOON, a_claim, a_result, a_run, a_tenant, append, claimed, finish


async def a_branch(store: Store, claim: Claim, at: int, of: Thread | None = None) -> Thread:
    """Of a run's thread, or of another branch."""
    parent = claim.run.thread if of is None else of.id
    thread = Thread(ThreadId(new_id()), claim.run.tenant, NOON, thread_type=ThreadType.BRANCH, parent=parent, parent_position=Position(at))
    await store.threads.add(thread)
    return thread


async def a_claim_on(store: Store, thread: Thread) -> Claim:
    await store.runs.start(NewRun(a_run(thread.tenant, thread=thread.id), opens_thread=False))
    return await claimed(store)


async def told(store: Store, claim: Claim, *names: str) -> int:
    """Each name becomes a row; answers the journal's new end."""
    end = await store.journal.end(claim.run.tenant, claim.run.thread)
    await append(store, claim.lease, end, *(a_result(f"/{name}#1") for name in names))
    return end + len(names)


async def story(store: Store, thread: Thread | Claim, after: int = 0, limit: int = 1000) -> list[tuple[int, str]]:
    tenant, name = (thread.tenant, thread.id) if isinstance(thread, Thread) else (thread.run.tenant, thread.run.thread)
    rows = await store.journal.read(tenant, name, Position(after), limit)
    return [(row.position, store.journal.decode(row).activation[1:-2]) for row in rows]  # type: ignore[union-attr, index]


def numbered(names: str, after: int = 0) -> Sequence[tuple[int, str]]:
    return list(enumerate(names, after + 1))


async def test_a_branch_begins_with_its_parents_past_and_goes_on_with_the_next_number(store: Store, beside: Store) -> None:
    parent = await a_claim(store)
    await told(store, parent, *"abcde")
    branch = await a_branch(store, parent, 3)

    mine = await a_claim_on(store, branch)
    await told(store, mine, *"xy")

    assert mine.position == 3, "its head begins where it left its parent"
    for opened in (store, beside):
        assert await story(opened, branch) == numbered("abcxy")
        assert await story(opened, parent) == numbered("abcde")
        assert await opened.journal.end(branch.tenant, branch.id) == 5


async def test_a_branch_without_rows_of_its_own_is_its_past(store: Store) -> None:
    parent = await a_claim(store)
    await told(store, parent, *"abcde")

    branch = await a_branch(store, parent, 2)

    assert await story(store, branch) == numbered("ab")
    assert await story(store, branch, after=2) == []
    assert await store.journal.end(branch.tenant, branch.id) == 2


async def test_rows_say_which_thread_wrote_them(store: Store) -> None:
    parent = await a_claim(store)
    await told(store, parent, *"ab")
    branch = await a_branch(store, parent, 1)
    await told(store, await a_claim_on(store, branch), "x")

    rows = await store.journal.read(branch.tenant, branch.id, Position(0))

    assert [row.thread for row in rows] == [parent.run.thread, branch.id]


async def test_a_branch_of_a_branch_of_a_branch_reads_through_all_of_them(store: Store) -> None:
    parent = await a_claim(store)
    await told(store, parent, *"abcd")
    first = await a_branch(store, parent, 3)
    await told(store, await a_claim_on(store, first), *"ef")
    second = await a_branch(store, parent, 4, of=first)
    await told(store, await a_claim_on(store, second), *"gh")
    third = await a_branch(store, parent, 6, of=second)
    await told(store, await a_claim_on(store, third), "i")

    assert await story(store, third) == numbered("abceghi")
    assert await story(store, third, after=2, limit=3) == numbered("ceg", 2)
    assert await story(store, third, after=3, limit=2) == numbered("eg", 3)
    assert await story(store, third, after=6) == numbered("i", 6)


async def test_a_branch_before_its_parents_own_first_row_shares_only_what_came_before_it(store: Store) -> None:
    parent = await a_claim(store)
    await told(store, parent, *"abcd")
    first = await a_branch(store, parent, 3)
    await told(store, await a_claim_on(store, first), *"ef")

    second = await a_branch(store, parent, 1, of=first)
    await told(store, await a_claim_on(store, second), "z")

    assert await story(store, second) == numbered("az")


async def test_what_a_branch_and_its_parent_write_later_stays_their_own(store: Store) -> None:
    parent = await a_claim(store)
    await told(store, parent, *"ab")
    branch = await a_branch(store, parent, 2)
    mine = await a_claim_on(store, branch)

    for name in "xyz":
        await told(store, mine, name)
        await told(store, parent, name.upper())

    assert await story(store, branch) == numbered("abxyz")
    assert await story(store, parent) == numbered("abXYZ")


async def test_a_thread_that_shares_nothing_of_its_parent_begins_at_the_beginning(store: Store) -> None:
    parent = await a_claim(store)
    await told(store, parent, *"ab")
    beside_it = Thread(ThreadId(new_id()), parent.run.tenant, NOON, thread_type=ThreadType.PARALLEL, parent=parent.run.thread)
    await store.threads.add(beside_it)

    assert await story(store, beside_it) == []
    await told(store, await a_claim_on(store, beside_it), "x")

    assert await story(store, beside_it) == numbered("x")
    assert await store.journal.newest_checkpoint(beside_it.tenant, beside_it.id) is None


async def test_rows_of_one_run_are_those_of_its_own_thread(store: Store) -> None:
    parent = await a_claim(store)
    await told(store, parent, *"ab")
    branch = await a_branch(store, parent, 1)
    mine = await a_claim_on(store, branch)
    await told(store, mine, *"xy")

    rows = await store.journal.read(branch.tenant, branch.id, Position(0), run=mine.run.id)

    assert [row.position for row in rows] == [2, 3]


async def test_another_tenant_sees_nothing_of_a_branch(store: Store) -> None:
    parent = await a_claim(store)
    await append(store, parent.lease, 0, a_result(), checkpoint=Checkpoint(Position(1), b"1"))
    branch = await a_branch(store, parent, 1)

    assert not await store.journal.read(a_tenant(), branch.id, Position(0))
    assert await store.journal.newest_checkpoint(a_tenant(), branch.id) is None


async def test_the_newest_checkpoint_at_or_before_a_position_is_found(store: Store) -> None:
    claim = await a_claim(store)
    for at in (1, 2, 3, 4):
        kept = Checkpoint(Position(at), b"%d" % at) if at % 2 == 0 else None
        await append(store, claim.lease, at - 1, a_result(), checkpoint=kept)

    async def newest(upto: int | None) -> Checkpoint | None:
        return await store.journal.newest_checkpoint(claim.run.tenant, claim.run.thread, None if upto is None else Position(upto))

    assert [await newest(upto) for upto in (0, 1)] == [None, None]
    assert [await newest(upto) for upto in (2, 3)] == [Checkpoint(Position(2), b"2")] * 2
    assert [await newest(upto) for upto in (4, 99, None)] == [Checkpoint(Position(4), b"4")] * 3


async def test_a_branch_stands_on_its_ancestors_checkpoints_but_not_on_those_written_after_it_left(store: Store) -> None:
    parent = await a_claim(store)
    for at in (1, 2, 3, 4):
        await append(store, parent.lease, at - 1, a_result(), checkpoint=Checkpoint(Position(at), b"p%d" % at))
    first = await a_branch(store, parent, 3)
    mine = await a_claim_on(store, first)
    await append(store, mine.lease, 3, a_result("/x#1"))
    await append(store, mine.lease, 4, a_result("/y#1"), checkpoint=Checkpoint(Position(5), b"f5"))
    second = await a_branch(store, parent, 4, of=first)

    async def newest(thread: Thread, upto: int | None = None) -> Checkpoint | None:
        return await store.journal.newest_checkpoint(thread.tenant, thread.id, None if upto is None else Position(upto))

    assert await newest(first) == Checkpoint(Position(5), b"f5")
    assert await newest(first, 4) == Checkpoint(Position(3), b"p3")
    assert await newest(first, 2) == Checkpoint(Position(2), b"p2")
    assert await newest(second) == Checkpoint(Position(3), b"p3")
    assert await newest(second, 0) is None


async def test_a_run_ends_on_a_branch_as_on_any_thread(store: Store) -> None:
    parent = await a_claim(store)
    await told(store, parent, *"abc")
    branch = await a_branch(store, parent, 2)

    done = await finish(store, await a_claim_on(store, branch))

    assert (await store.runs.get(done.tenant, done.id)).status == done.status
    assert [row.kind for row in await store.journal.read(branch.tenant, branch.id, Position(2))] == ["run_ended"]
