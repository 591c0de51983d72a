"""What a change of an account leaves to be written."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import TypeVar

from domain.budget_account import Account
from infrastructure.store import budget_rows as rows
from infrastructure.store.rows import Row

T = TypeVar("T")


def changed(account: Account, work: Callable[[Account], T]) -> tuple[T, Sequence[tuple[str, Row]]]:
    """What `work` gave, and the statements that keep what it did, each with its values."""
    before = deepcopy(account)
    result = work(account)
    written = [
        (rows.KEEP_BLOCK, rows.block_row(account.key, block))
        for block in sorted(account.blocks.values(), key=lambda block: block.id)
        if before.blocks.get(block.id) != block
    ]
    if rows.account_row(before) != rows.account_row(account):
        written.append((rows.KEEP_ACCOUNT, rows.account_row(account)))
    return result, written
