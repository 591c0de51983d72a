"""Budgets, accounts and blocks as rows, and the statements that both databases understand."""

# ruff: noqa: S608 - statements are put together from names that stand in this file; values are parameters

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from domain.budget import AccountKey, AtLimit, Budget, Period
from domain.budget_account import Account, Block
from domain.ids import BlockId, BudgetId, TenantId
from infrastructure.store.codec import encode, plain
from infrastructure.store.rows import Row, moment, seconds

_BUDGET: Final = "id, tenant, name, created_at, most, unit, revision, body"
_ACCOUNT: Final = "budget, subject, period"
_STANDING: Final = "taken, alerted, refused, wanted_at, waits_since, awake"
_BLOCK: Final = "id, granted, used, reserved, expires_at, closed"
_SAME: Final = "budget = $1 AND subject = $2 AND period = $3"

ADD: Final = f"INSERT INTO budgets ({_BUDGET}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING"
GET: Final = f"SELECT {_BUDGET} FROM budgets WHERE id = $1 AND tenant = $2"
ALL: Final = f"SELECT {_BUDGET} FROM budgets ORDER BY tenant, name"
OF_TENANT: Final = f"SELECT {_BUDGET} FROM budgets WHERE tenant = $1 ORDER BY name"
CHANGE: Final = "UPDATE budgets SET most = $3, unit = $4, revision = revision + 1, body = $5 WHERE id = $1 AND revision = $2 RETURNING id"
REMOVE: Final = "DELETE FROM budgets WHERE id = $1 AND tenant = $2 RETURNING id"
REMOVE_ACCOUNTS: Final = "DELETE FROM budget_accounts WHERE budget = $1"
REMOVE_BLOCKS: Final = "DELETE FROM budget_blocks WHERE budget = $1"

# Makes the account where there is none, and locks its row. Of a budget that is gone nothing comes back.
LOCK: Final = f"""INSERT INTO budget_accounts AS a ({_ACCOUNT}, {_STANDING})
    SELECT id, $2, $3, '0', 0, FALSE, 0, NULL, FALSE FROM budgets WHERE id = $1
    ON CONFLICT ({_ACCOUNT}) DO UPDATE SET budget = excluded.budget
    RETURNING {_ACCOUNT}, (SELECT most FROM budgets WHERE id = $1), {_STANDING}"""
BLOCKS: Final = (
    f"SELECT {_BLOCK} FROM budget_blocks WHERE {_SAME} AND NOT closed UNION ALL SELECT {_BLOCK} FROM budget_blocks WHERE id = $4 AND closed"
)
# The same for several accounts at once, on PostgreSQL. Accounts in the order of their key, then blocks in that of their ids, as marks and
# who removes a budget lock them: nobody waits in a circle.
LOCK_ALL: Final = f"""INSERT INTO budget_accounts AS a ({_ACCOUNT}, {_STANDING})
    SELECT b.id, u.subject, u.period, '0', 0, FALSE, 0, NULL::float8, FALSE
    FROM unnest($1::text[], $2::text[], $3::text[]) AS u(budget, subject, period) JOIN budgets b ON b.id = u.budget
    ORDER BY b.id, u.subject COLLATE "C", u.period COLLATE "C"
    ON CONFLICT ({_ACCOUNT}) DO UPDATE SET budget = excluded.budget
    RETURNING {_ACCOUNT}, (SELECT most FROM budgets WHERE id = a.budget), {_STANDING}"""
LOCK_BLOCKS: Final = f"""SELECT locked.* FROM (
        SELECT o.id FROM unnest($1::text[], $2::text[], $3::text[]) AS u(budget, subject, period)
            JOIN budget_blocks o ON o.budget = u.budget AND o.subject = u.subject AND o.period = u.period AND NOT o.closed
        UNION SELECT unnest($4::text[]) ORDER BY id) AS wanted
    CROSS JOIN LATERAL (SELECT {_ACCOUNT}, {_BLOCK} FROM budget_blocks WHERE id = wanted.id FOR UPDATE) AS locked"""
KEEP_ACCOUNT: Final = f"""UPDATE budget_accounts SET taken = $4, alerted = $5, refused = $6, wanted_at = $7, waits_since = $8, awake = $9
    WHERE {_SAME}"""
KEEP_BLOCK: Final = f"""INSERT INTO budget_blocks ({_ACCOUNT}, {_BLOCK}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (id) DO UPDATE SET granted = excluded.granted, used = excluded.used, reserved = excluded.reserved,
        expires_at = excluded.expires_at, closed = excluded.closed"""
KEEP_ALL: Final = f"""WITH kept AS (INSERT INTO budget_blocks ({_ACCOUNT}, {_BLOCK})
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::float8[], $9::bool[])
    ON CONFLICT (id) DO UPDATE SET granted = excluded.granted, used = excluded.used, reserved = excluded.reserved,
        expires_at = excluded.expires_at, closed = excluded.closed)
    UPDATE budget_accounts a SET taken = u.taken, alerted = u.alerted, refused = u.refused, wanted_at = u.wanted_at,
        waits_since = u.waits_since, awake = u.awake
    FROM unnest($10::text[], $11::text[], $12::text[], $13::text[], $14::int8[], $15::bool[], $16::float8[], $17::float8[], $18::bool[])
        AS u({_ACCOUNT}, {_STANDING})
    WHERE a.budget = u.budget AND a.subject = u.subject AND a.period = u.period"""
WANTED: Final = """(SELECT wanted_at FROM budget_accounts a WHERE a.budget = budget_blocks.budget AND a.subject = budget_blocks.subject
    AND a.period = budget_blocks.period)"""
OF: Final = f"""SELECT {", ".join("a." + name for name in _ACCOUNT.split(", "))}, b.most, {_STANDING} FROM budget_accounts a
    JOIN budgets b ON b.id = a.budget WHERE a.budget = $1 AND a.period IN {{members:$2}} ORDER BY a.subject LIMIT $3"""
AWAKE: Final = f"""SELECT {", ".join("a." + name for name in _ACCOUNT.split(", "))}, b.most, {_STANDING} FROM budget_accounts a
    JOIN budgets b ON b.id = a.budget WHERE a.awake LIMIT $1"""
OPEN_BLOCKS: Final = f"SELECT {_ACCOUNT}, {_BLOCK} FROM budget_blocks WHERE NOT closed AND budget IN {{members:$1}}"
FORGET: Final = """DELETE FROM budget_blocks
    WHERE id IN (SELECT id FROM budget_blocks WHERE closed AND expires_at < $1 ORDER BY expires_at LIMIT $2) RETURNING id"""


def budget_row(budget: Budget) -> Row:
    return (
        budget.id,
        budget.tenant,
        budget.name,
        seconds(budget.created_at),
        str(budget.limit),
        budget.unit,
        budget.revision,
        body_of(budget),
    )


def body_of(budget: Budget) -> bytes:
    return encode(
        {
            "period": budget.period.value,
            "scope": dict(budget.scope or {}),
            "at_limit": budget.at_limit.value,
            "instead": budget.instead,
            "alerts": list(budget.alerts),
        }
    )


def budget_of(row: Row) -> Budget:
    identity, tenant, name, created_at, most, unit, revision, body = row
    told = plain(body)
    return Budget(
        BudgetId(identity),
        TenantId(tenant),
        name,
        moment(created_at),
        Decimal(most),
        unit,
        Period(told["period"]),
        told["scope"],
        AtLimit(told["at_limit"]),
        told["instead"],
        tuple(told["alerts"]),
        revision,
    )


def account_of(row: Row, blocks: Iterable[Row] = ()) -> Account:
    budget, subject, period, most, taken, alerted, refused, wanted_at, waits_since, awake = row
    found = [block_of(block) for block in blocks]
    return Account(
        AccountKey(BudgetId(budget), subject, period),
        Decimal(most),
        Decimal(taken),
        alerted,
        wanted_at,
        bool(refused),
        waits_since,
        bool(awake),
        {block.id: block for block in found},
    )


def account_row(account: Account) -> Row:
    standing = (str(account.taken), account.alerted, account.refused, account.wanted_at, account.waits_since, account.is_awake)
    return (*account.key, *standing)


def block_of(row: Row) -> Block:
    identity, granted, used, reserved, expires_at, closed = row
    return Block(BlockId(identity), Decimal(granted), Decimal(used), Decimal(reserved), expires_at, bool(closed))


def block_row(key: AccountKey, block: Block) -> Row:
    return (*key, block.id, str(block.granted), str(block.used), str(block.reserved), block.expires_at, block.is_closed)


def with_blocks(rows: Sequence[Row], blocks: Sequence[Row]) -> list[Account]:
    accounts = [account_of(row) for row in rows]
    by_key = {account.key: account for account in accounts}
    for row in blocks:
        account = by_key.get(AccountKey(*row[:3]))
        if account is not None:
            block = block_of(row[3:])
            account.blocks[block.id] = block
    return accounts
