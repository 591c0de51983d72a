"""What a change of an account leaves to be written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from domain.budget_account import Account
from infrastructure.store import budget_rows as rows
from infrastructure.store.rows import Row

T = TypeVar("T")


@dataclass(slots=True)
class Written:
    """Rows to be kept: `blocks` in the order of their ids, `account` where it is another one."""

    blocks: list[Row]
    account: Row | None


def changed(account: Account, work: Callable[[Account], T]) -> tuple[T, Written]:
    """What `work` gave, and what it changed."""
    before, blocks_before = rows.account_row(account), {id: rows.block_row(account.key, block) for id, block in account.blocks.items()}
    result = work(account)
    after = rows.account_row(account)
    blocks = [(id, rows.block_row(account.key, block)) for id, block in sorted(account.blocks.items())]
    return result, Written([row for id, row in blocks if blocks_before.get(id) != row], None if after == before else after)
