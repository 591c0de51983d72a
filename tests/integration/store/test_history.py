"""What every store promises about the history: what was written comes back, and the rest is what the ledger and the runs say."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from domain.acting import Acting
from domain.errors import ValidationError
from domain.history import HistoryRecord, RecordType, texts_in
from domain.ids import RunId, SessionId, TenantId
from domain.ports.history import HistoryQuery
from domain.ports.journal import Append
from domain.ports.repositories import NewRun
from domain.run.run import Run, RunStatus
from domain.usage import Money, Usage, UsageState
from infrastructure.ids import new_id
from infrastructure.store.history_rows import LOOKED_AT
from infrastructure.store.store import Store
from tests.integration.store.builders import ANN, LONG, NOON, a_result, a_run, a_tenant, a_thread, started, usage_row

ALL = HistoryQuery()
SESSION = SessionId("018f0000-0000-7000-8000-00000000000a")


def a_record(tenant: TenantId, second: int = 0, kind: RecordType = RecordType.LLM_REQUEST, text: str = "", **told: object) -> HistoryRecord:
    content = {"content": {"messages": [{"role": "user", "content": text}]}} if text else {}
    made = HistoryRecord(new_id(), kind, NOON + timedelta(seconds=second), tenant, RunId("r"), model="fast", data={"node": "a", **content})
    return replace(made, **told)  # type: ignore[arg-type]


async def asked(store: Store, tenant: TenantId, wanted: HistoryQuery = ALL, limit: int = 50) -> list[HistoryRecord]:
    return list((await store.history.query(tenant, wanted, limit, None)).items)


async def all_pages(store: Store, tenant: TenantId, wanted: HistoryQuery, limit: int) -> list[Sequence[HistoryRecord]]:
    found: list[Sequence[HistoryRecord]] = []
    cursor: str | None = None
    while True:
        page = await store.history.query(tenant, wanted, limit, cursor)
        found.append(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return found


async def ended(store: Store, run: Run, second: int, usage: Usage, *, opens_thread: bool = True) -> Run:
    """A run of one call, over so many seconds after noon."""
    at = NOON + timedelta(seconds=second)
    await store.runs.start(NewRun(run, opens_thread))
    (claim,) = [claim for claim in await store.queue.claim(ANN, 10, LONG) if claim.run.id == run.id]
    over = replace(claim.run, status=RunStatus.COMPLETED, ended_at=at, steps=1)
    session, user = (run.acting.session, run.acting.user_id) if run.acting else ("", "")
    line = replace(usage_row(run, usage=usage), at=at.timestamp() - 0.5, session=session, user=user)
    await store.journal.append(Append(claim.lease, claim.position, [a_result()], over, usage=[line], release_at=at.timestamp()))
    return over


async def test_every_type_that_is_written_comes_back_as_it_was(store: Store) -> None:
    tenant = a_tenant()
    kinds = (RecordType.LLM_REQUEST, RecordType.LLM_RESPONSE, RecordType.TOOL_EXECUTION)
    records = [a_record(tenant, number, kind, "hello") for number, kind in enumerate(kinds)]
    odd = a_record(tenant, 9, run=None, user_id="ada", session_id=SESSION, model="", data={"é": [1, None, {"n": 1.5}]})

    await store.history.save([*records, odd])

    assert await asked(store, tenant) == [odd, *reversed(records)]
    assert await asked(store, a_tenant()) == []


async def test_what_is_saved_again_stays_as_it_was(store: Store, beside: Store) -> None:
    tenant = a_tenant()
    record = a_record(tenant)
    await asyncio.gather(*(where.history.save([record]) for where in [store, beside] * 2))
    await store.history.save([replace(record, data={"changed": True})])
    await store.history.save([])

    assert await asked(store, tenant) == [record]


async def test_what_a_call_used_and_cost_is_read_from_the_ledger(store: Store) -> None:
    run = await started(store)
    rows = [
        replace(usage_row(run, f"/{node}#1", usage=Usage(node, 1, 2, cost)), state=state, at=NOON.timestamp())
        for node, cost, state in (
            ("counted", Money(Decimal("0.000000123456789")), UsageState.COUNTED),
            ("unknown", None, UsageState.UNKNOWN),
            ("reserved", Money(Decimal(9)), UsageState.RESERVED),
            ("void", Money(Decimal(9)), UsageState.VOID),
        )
    ]
    await store.usage.count(rows)

    tokens = await asked(store, run.tenant, HistoryQuery(RecordType.TOKEN_USAGE))
    costs = await asked(store, run.tenant, HistoryQuery(RecordType.COST_RECORD))
    assert [(one.model, one.data["total_tokens"], one.data["unknown"]) for one in tokens] == [("unknown", 3, True), ("counted", 3, False)]
    assert [one.data["cost"] for one in costs] == [None, {"amount": "0.000000123456789", "currency": "USD"}]
    assert {one.run for one in tokens + costs} == {run.id}
    assert {one.timestamp for one in tokens + costs} == {NOON}


async def test_a_call_that_is_settled_later_is_in_the_history_as_it_was_settled(store: Store) -> None:
    run = await started(store)
    lost = replace(usage_row(run, usage=Usage("fast", 90, 90)), state=UsageState.UNKNOWN, at=NOON.timestamp())
    await store.usage.count([lost])
    (before,) = await asked(store, run.tenant, HistoryQuery(RecordType.TOKEN_USAGE))
    await store.usage.count([replace(lost, usage=Usage("fast", 1, 2), state=UsageState.COUNTED, at=0.0)])
    (after,) = await asked(store, run.tenant, HistoryQuery(RecordType.TOKEN_USAGE))

    assert (before.id, before.data["total_tokens"]) == (after.id, 180)
    assert after.data["total_tokens"] == 3


async def test_what_only_costs_has_no_tokens_in_the_history(store: Store) -> None:
    run = await started(store)
    await store.usage.count([usage_row(run, usage=Usage("tool/search", 0, 0, Money(Decimal("0.01"))))])

    assert [one.record_type for one in await asked(store, run.tenant)] == [RecordType.COST_RECORD]


async def test_a_run_that_has_ended_is_in_the_history_and_one_that_has_not_is_not(store: Store) -> None:
    acting = Acting(SESSION, "ada")
    run = await ended(store, a_run(acting=acting, input={"text": "x" * 100_000}), 5, Usage("fast", 1, 2))
    await started(store, a_run(run.tenant))

    (found,) = await asked(store, run.tenant, HistoryQuery(RecordType.WORKFLOW_EXECUTION))
    assert (found.run, found.user_id, found.session_id, found.timestamp) == (run.id, "ada", SESSION, run.ended_at)
    assert (found.data["workflow"], found.data["status"], found.data["steps"]) == (run.workflow, "completed", 1)
    assert "x" * 100 not in repr(found.data)


async def test_records_of_all_places_stand_in_one_order(store: Store) -> None:
    run = await ended(store, a_run(), 5, Usage("fast", 1, 2))
    await store.history.save([a_record(run.tenant, second) for second in (4, 5, 6)])

    found = await asked(store, run.tenant)
    kinds = ["llm_request", "llm_request", "workflow_execution", "token_usage", "cost_record", "llm_request"]
    assert [one.record_type for one in found] == kinds
    assert [one.timestamp for one in found] == sorted((one.timestamp for one in found), reverse=True)
    assert len({one.id for one in found}) == len(found)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 7])
async def test_pages_of_all_places_hold_every_record_once(store: Store, limit: int) -> None:
    tenant = a_tenant()
    for second in (3, 3, 8):
        await ended(store, a_run(tenant), second, Usage("fast", 1, 2))
    run = await started(store, a_run(tenant))
    lines = [replace(usage_row(run, f"/n#{number}"), at=NOON.timestamp() + 3) for number in range(4)]
    await store.usage.count(lines)
    await store.history.save([a_record(tenant, second // 2) for second in range(12)])

    whole = await asked(store, tenant, limit=100)
    pages = await all_pages(store, tenant, ALL, limit)
    assert len(whole) == 3 * 3 + 4 * 2 + 12
    assert [one for page in pages for one in page] == whole
    assert {len(page) for page in pages[:-1]} <= {limit}


async def test_each_word_of_a_query_narrows_it(store: Store) -> None:
    tenant = a_tenant()
    acting = Acting(SESSION, "ada")
    run = replace(a_run(tenant, acting=acting))
    first = a_record(tenant, 1, run=run.id, session_id=SESSION, model="careful")
    second = a_record(tenant, 2, RecordType.TOOL_EXECUTION, model="")
    await store.history.save([first, second])
    await store.usage.count([replace(usage_row(run, usage=Usage("careful", 1, 2)), at=NOON.timestamp(), session=SESSION, user="ada")])

    of_run = await asked(store, tenant, HistoryQuery(run=run.id))
    assert [one.record_type.value for one in of_run] == ["llm_request", "token_usage", "cost_record"]
    assert await asked(store, tenant, HistoryQuery(session=SESSION)) == of_run
    assert await asked(store, tenant, HistoryQuery(model="careful")) == of_run
    assert {one.user_id for one in of_run[1:]} == {"ada"}
    assert await asked(store, tenant, HistoryQuery(RecordType.TOOL_EXECUTION)) == [second]
    assert await asked(store, tenant, HistoryQuery(RecordType.TOOL_EXECUTION, run=run.id)) == []
    assert await asked(store, tenant, HistoryQuery(since=second.timestamp)) == [second]
    assert await asked(store, tenant, HistoryQuery(since=first.timestamp, until=second.timestamp)) == [first]


async def test_runs_are_found_by_their_session(store: Store) -> None:
    tenant = a_tenant()
    mine = a_run(tenant, acting=Acting(SESSION, "ada"))
    await store.threads.add(replace(a_thread(tenant), id=mine.thread, session=SESSION))
    found, other = (
        await ended(store, mine, 5, Usage("fast", 1, 2), opens_thread=False),
        await ended(store, a_run(tenant), 6, Usage("a", 1, 2)),
    )
    wanted = HistoryQuery(RecordType.WORKFLOW_EXECUTION, session=SESSION)

    assert [one.run for one in await asked(store, tenant, wanted)] == [found.id]
    assert [one.run for one in await asked(store, tenant, replace(wanted, run=mine.id))] == [found.id]
    assert await asked(store, tenant, replace(wanted, run=other.id)) == []
    assert await asked(store, tenant, replace(wanted, until=NOON)) == []
    assert len(await asked(store, tenant, HistoryQuery(RecordType.WORKFLOW_EXECUTION))) == 2


async def test_a_text_is_found_in_capitals_or_not_and_its_signs_mean_nothing(store: Store) -> None:
    tenant = a_tenant()
    texts = ["Grüße an ALLE", "100%", "100 of them", "a_b", "axb", "back\\slash", "zero\0byte"]
    await store.history.save([a_record(tenant, second, text=text) for second, text in enumerate(texts)])

    async def found(text: str) -> list[str]:
        return [
            told for one in await asked(store, tenant, HistoryQuery(text=text)) for told in texts_in(one.data["content"]) if told != "user"
        ]

    assert await found("grüsse AN") == ["Grüße an ALLE"]
    assert await found("100%") == ["100%"]
    assert await found("a_b") == ["a_b"]
    assert await found("k\\s") == ["back\\slash"]
    assert await found("zero\0b") == ["zero\0byte"]
    assert await found("nowhere") == []


async def test_a_page_looks_at_so_many_records_for_a_text_and_goes_on_with_the_next(store: Store) -> None:
    tenant = a_tenant()
    one = replace(a_record(tenant, -1, text="the needle"), id="first")
    many = [replace(one, id=f"h{number:05}", timestamp=NOON, data={}) for number in range(LOOKED_AT)]
    await store.history.save([*many, one])

    pages = await all_pages(store, tenant, HistoryQuery(text="needle"), 5)
    assert [len(page) for page in pages] == [0, 1]


async def test_what_is_old_is_forgotten_in_batches_and_what_calls_cost_stays(store: Store) -> None:
    run = await started(store)
    await store.usage.count([usage_row(run)])
    await store.history.save([a_record(run.tenant, second) for second in range(5)])

    assert [await store.history.forget(NOON + timedelta(seconds=4), 3) for _ in range(3)] == [3, 1, 0]
    assert len(await asked(store, run.tenant, HistoryQuery(RecordType.LLM_REQUEST))) == 1
    assert len(await asked(store, run.tenant, HistoryQuery(RecordType.COST_RECORD))) == 1


@pytest.mark.parametrize("cursor", ["x", "WyJhIl0", "WyJ4IiwiIiwiIiwiIiwiIiwiIiwiIiwiIl0", "WyIiLCIiLCIxLjAiLCJ4IiwiIiwiIiwiIiwiIl0"])
async def test_a_cursor_that_no_list_gave_out_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(ValidationError):
        await store.history.query(a_tenant(), ALL, 5, cursor)
