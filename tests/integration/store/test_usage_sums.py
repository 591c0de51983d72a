"""Sums over the ledger are what its lines come to, in whatever order those were written, on every store."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.ids import Epoch
from domain.run.run import Run
from domain.tally import Aspect, Spent, UsageFilter, grouped, matches
from domain.usage import DAY_SECONDS, Money, Usage, UsageRow, UsageState, newest
from infrastructure.store.store import Store
from infrastructure.store.usage_rows import USAGE_COLUMNS
from infrastructure.store.usage_rows import usage_row as usage_row_of
from tests.integration.store.builders import a_claim, a_result, a_run, a_tenant, append, started, usage_row

EVERYTHING = UsageFilter()
MOST = 1000
NOON = 20_000.5 * DAY_SECONDS


def line(run: Run, at: float = NOON, state: UsageState = UsageState.COUNTED, session: str = "", **used: object) -> UsageRow:
    usage = Usage(**{"model": "fast", "prompt_tokens": 10, "completion_tokens": 5, "cost": Money(Decimal("0.1")), **used})  # type: ignore[arg-type]
    return replace(usage_row(run, usage=usage), at=at, state=state, session=session, user=session and f"user of {session}")


RUNS = [a_run(a_tenant()), a_run(a_tenant())]
AMOUNTS = st.integers(0, 10**27).map(lambda attos: Decimal(attos).scaleb(-18))
COSTS = st.none() | st.builds(Money, AMOUNTS, st.sampled_from(["USD", "EUR"]))
TOKENS = st.integers(0, 10**12)
USAGES = st.builds(Usage, st.sampled_from("ab"), TOKENS, TOKENS, COSTS, st.booleans(), TOKENS, TOKENS, st.sampled_from(["", "p@1"]))
TIMES = st.sampled_from([0.0, 0.25, 1.0, 1.5, 2.0, 2.75, 3.0]).map(lambda days: days * DAY_SECONDS)


STATES = st.sampled_from([*UsageState, UsageState.UNKNOWN, UsageState.COUNTED])


def written(place: tuple[Run, str, int], used: Usage, at: float, state: UsageState) -> UsageRow:
    run, activation, epoch = place
    session = "" if run is RUNS[0] else "s"
    return replace(usage_row(run, activation, epoch, usage=used), at=at, state=state, session=session, user=session)


PLACES = st.sampled_from([(RUNS[0], "/a#1", 1), (RUNS[0], "/a#1", 2), (RUNS[1], "/a#1[0]/b#2", 1)])
ROWS = st.lists(st.builds(written, PLACES, USAGES, TIMES, STATES), min_size=2, max_size=12)
"""Of few calls, each written several times in any order."""
WRITES = ROWS.map(lambda rows: [rows[first : first + 2] for first in range(0, len(rows), 2)])
ASKED = st.lists(st.sampled_from(Aspect), unique=True, max_size=3).map(tuple)
FILTERS = st.builds(
    UsageFilter,
    since=st.none() | TIMES,
    until=st.none() | TIMES,
    model=st.none() | st.just("a"),
    session=st.none() | st.just("s"),
    node=st.none() | st.just("b"),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=WRITES, by=ASKED, wanted=FILTERS)
async def test_in_whatever_order_lines_come_their_sums_are_those_of_the_lines_that_are_left(
    store: Store, writes: Sequence[Sequence[UsageRow]], by: tuple[Aspect, ...], wanted: UsageFilter
) -> None:
    tenant = a_tenant()
    for rows in writes:
        await store.usage.count([_of(tenant, row) for row in rows])

    left = newest(row for rows in writes for row in rows)

    assert await store.sums.grouped(tenant, by, wanted, MOST) == grouped((row for row in left if matches(row, wanted)), by)
    everything = await store.sums.grouped(tenant, (), EVERYTHING, MOST)
    for currency in ("USD", "EUR"):
        costs = [row.usage.cost for row in left if row.state.is_charged and row.usage.cost and row.usage.cost.currency == currency]
        total = sum(costs, Money(Decimal(0), currency))
        assert sum((one.cost for one in everything if one.currency == currency and one.cost), Money(Decimal(0), currency)) == total


def _of(tenant: object, row: UsageRow) -> UsageRow:
    return replace(row, tenant=tenant, run=f"{row.run} of {tenant}")  # type: ignore[arg-type]


async def test_what_is_reserved_or_void_counts_nothing_and_a_count_moves_the_difference(store: Store) -> None:
    claim = await a_claim(store)
    run = claim.run
    seen = []

    for state, tokens in [(UsageState.RESERVED, 100), (UsageState.VOID, 100), (UsageState.UNKNOWN, 100), (UsageState.COUNTED, 7)]:
        await append(store, claim.lease, 0, usage=[line(run, state=state, prompt_tokens=tokens)])
        seen.append([(one.tally.calls, one.tally.prompt_tokens, one.tally.unknown) for one in await all_of(store, run)])

    assert seen == [[], [], [(1, 100, 1)], [(1, 7, 0)]]


async def test_a_model_that_gives_way_to_another_leaves_nothing_behind(store: Store) -> None:
    run = await started(store)
    await store.usage.count([line(run, state=UsageState.UNKNOWN, model="slow")])
    await store.usage.count([line(run, model="fast")])

    assert [one.key for one in await all_of(store, run, Aspect.MODEL)] == [("fast",)]


async def test_a_call_counts_to_the_day_on_which_it_was_first_written(store: Store) -> None:
    run = await started(store)
    await store.usage.count([line(run, at=19_999.9 * DAY_SECONDS, state=UsageState.RESERVED)])
    await store.usage.count([line(run, at=20_000.1 * DAY_SECONDS)])

    assert [one.key for one in await all_of(store, run, Aspect.DAY)] == [("2024-10-03",)]


async def test_a_tenth_and_two_tenths_are_three_tenths(store: Store) -> None:
    run = await started(store)
    amounts = [Decimal("0.1"), Decimal("0.2"), Decimal("1E-18"), Decimal("123456789.000000000000000001")]
    rows = [replace(line(run, cost=Money(amount)), attempt=number) for number, amount in enumerate(amounts)]

    await store.usage.count(rows)

    (spent,) = await all_of(store, run)
    assert spent.cost == Money(Decimal("123456789.300000000000000002"))


async def test_currencies_are_never_summed_and_an_unknown_price_is_not_zero(store: Store) -> None:
    run = await started(store)
    costs = [Money(Decimal(1)), Money(Decimal(2), "EUR"), None, Money(Decimal(3), "EUR")]
    await store.usage.count([replace(line(run, cost=cost), attempt=number) for number, cost in enumerate(costs)])

    assert [(one.currency, one.cost, one.tally.calls) for one in await all_of(store, run)] == [
        ("EUR", Money(Decimal(5), "EUR"), 2),
        ("USD", Money(Decimal(1)), 1),
        (None, None, 1),
    ]


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        pytest.param(1.0, 2.0, 1, id="a whole day"),
        pytest.param(0.5, 1.0, 1, id="the end of a day"),
        pytest.param(0.5, 1.5, 2, id="from a time on, before another"),
        pytest.param(1.25, 1.5, 1, id="within a day"),
        pytest.param(1.0, 1.25, 0, id="before the first moment of a call"),
        pytest.param(2.0, 1.0, 0, id="the wrong way round"),
        pytest.param(None, None, 3, id="always"),
        pytest.param(1.25, None, 2, id="from its moment on"),
        pytest.param(None, 1.25, 1, id="before its moment"),
    ],
)
async def test_a_range_of_time_holds_its_beginning_and_not_its_end(
    store: Store, since: float | None, until: float | None, found: int
) -> None:
    run = await started(store)
    rows = [line(run, at=day * DAY_SECONDS) for day in (0.5, 1.25, 2.0)]
    await store.usage.count([replace(row, attempt=number) for number, row in enumerate(rows)])

    first, behind = (None if day is None else day * DAY_SECONDS for day in (since, until))
    wanted = UsageFilter(first, behind)

    assert sum(one.tally.calls for one in await store.sums.grouped(run.tenant, (), wanted, MOST)) == found


async def test_sums_are_asked_by_session_and_user_and_of_one_run(store: Store) -> None:
    tenant = a_tenant()
    first, second = await started(store, a_run(tenant)), await started(store, a_run(tenant))
    await store.usage.count([line(first, session="s1"), line(second, session="s2"), replace(line(second), attempt=2)])

    by_user = await store.sums.grouped(tenant, (Aspect.SESSION, Aspect.USER), EVERYTHING, MOST)
    of_run = await store.sums.grouped(tenant, (Aspect.SESSION,), UsageFilter(run=second.id), MOST)

    assert [one.key for one in by_user] == [("", ""), ("s1", "user of s1"), ("s2", "user of s2")]
    assert [one.key for one in of_run] == [("",), ("s2",)]


async def test_no_more_groups_come_than_are_wanted_and_none_of_another_tenant(store: Store) -> None:
    run = await started(store)
    await store.usage.count([replace(line(run, model=model), attempt=number) for number, model in enumerate("cab")])

    assert [one.key for one in await store.sums.grouped(run.tenant, (Aspect.MODEL,), EVERYTHING, 2)] == [("a",), ("b",)]
    assert not await store.sums.grouped(a_tenant(), (Aspect.MODEL,), EVERYTHING, 2)


async def test_a_unit_that_is_refused_adds_nothing(store: Store) -> None:
    claim = await a_claim(store)
    stale = replace(claim.lease, epoch=Epoch(claim.lease.epoch + 5))
    with pytest.raises(Exception, match="stop"):
        await append(store, stale, 0, a_result(), usage=[line(claim.run)])

    assert not await all_of(store, claim.run)


async def test_many_who_write_at_once_wait_for_nobody_and_lose_nothing(store: Store, beside: Store) -> None:
    tenant = a_tenant()
    runs = [await started(store, a_run(tenant)) for _ in range(12)]
    models = ["a", "b", "c"]

    async def write(run: Run, where: Store, turn: int) -> None:
        for state in (UsageState.UNKNOWN, UsageState.COUNTED):
            order = models if turn % 2 else models[::-1]
            rows = [replace(line(run, state=state, model=model), attempt=turn, effect=models.index(model)) for model in order]
            await where.usage.count(rows)

    await asyncio.gather(*(write(run, where, turn) for run in runs for turn, where in enumerate((store, beside, store, beside))))

    spent = await store.sums.grouped(tenant, (Aspect.MODEL,), EVERYTHING, MOST)
    assert [(one.key[0], one.tally.calls, one.tally.unknown, one.cost) for one in spent] == [
        (model, 48, 0, Money(Decimal("4.800000000000000000"))) for model in models
    ]


@pytest.mark.parametrize("backend", [pytest.param("postgres", marks=pytest.mark.postgres)])
async def test_who_has_not_committed_yet_keeps_nobody_from_writing_to_the_same_sums(store: Store, url: str) -> None:
    run = await started(store)
    rows = [replace(line(run), attempt=number) for number in range(3)]
    columns = USAGE_COLUMNS.split(", ")
    insert = f"INSERT INTO usage ({USAGE_COLUMNS}) VALUES ({', '.join(f'${n}' for n in range(1, len(columns) + 1))})"  # noqa: S608 - ours
    slow = await asyncpg.connect(url)
    try:
        async with slow.transaction():
            await slow.execute(insert, *usage_row_of(rows[0]))
            async with asyncio.timeout(10):
                await store.usage.count(rows[1:2])
            await slow.execute(insert, *usage_row_of(rows[2]))
            assert sum(one.tally.calls for one in await all_of(store, run)) == 1
    finally:
        await slow.close()

    assert sum(one.tally.calls for one in await all_of(store, run)) == 3


async def all_of(store: Store, run: Run, *by: Aspect) -> Sequence[Spent]:
    return await store.sums.grouped(run.tenant, by, EVERYTHING, MOST)
