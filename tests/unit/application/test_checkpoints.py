"""When a run's state is worth a checkpoint."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import overload

from application.checkpoints import CHECKPOINT_BYTES, CHECKPOINT_ROWS, SinceCheckpoint
from domain.ids import Position, RunId, ThreadId
from domain.ports.journal import Recorded, Written

ROW = Recorded(ThreadId("t"), Position(1), RunId("r"), "node_finished", b"x" * 1_000, datetime(2026, 3, 1, tzinfo=UTC))


class OfSize(Written):
    """An append of one row that nobody may look at."""

    def __init__(self, size: int) -> None:
        self._size = size

    @property
    def size(self) -> int:
        return self._size

    def __len__(self) -> int:
        return 1

    @overload
    def __getitem__(self, index: int) -> Recorded: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Recorded]: ...
    def __getitem__(self, index: int | slice) -> Recorded | Sequence[Recorded]:
        raise AssertionError("to look at a row may mean to make its bytes")


def test_one_huge_row_is_enough() -> None:
    since = SinceCheckpoint(1, 0)
    since.weigh(OfSize(CHECKPOINT_BYTES - 1))
    assert not since.is_enough

    since.weigh(OfSize(1))
    assert since.is_enough


def test_rows_that_were_read_back_count_by_their_bodies() -> None:
    since = SinceCheckpoint(0, 0)
    since.weigh([ROW, ROW])

    assert since.bytes == 2_000


def test_many_small_rows_are_enough() -> None:
    assert SinceCheckpoint(CHECKPOINT_ROWS, 0).is_enough


def test_a_large_state_waits_until_the_rows_outweigh_it() -> None:
    since = SinceCheckpoint(CHECKPOINT_ROWS, 0)
    assert not since.outweighs(CHECKPOINT_BYTES * 2)

    since.weigh(OfSize(CHECKPOINT_BYTES * 2))
    assert since.outweighs(CHECKPOINT_BYTES * 2)
    assert (since.rows, since.bytes) == (0, 0)
