"""A thread's past over REST: its state at any position, who changed what, how two moments differ; through the real engine and SQLite."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.change import Change, Operation, applied
from domain.ids import DEFAULT_TENANT, Position, ThreadId
from domain.ports.journal import Append, Checkpoint
from domain.run.events import Event, StateEdited, StateRestored
from domain.thread import Thread, ThreadType
from infrastructure.ids import new_id
from tests.integration.rest.site import Site, open_site
from tests.integration.rest.test_with_a_worker import WAIT, graph, writes


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as opened:
        yield opened


def counting(**nodes: dict[str, Any]) -> dict[str, Any]:
    """Adds one to `n` and notes it; then whatever else is said."""
    first = {"count": {"kind": "transform", "writes": {"n": "${state.n + 1}", "notes": "${[state.n]}"}}}
    state = {"n": {"type": "integer", "default": 0}, "notes": {"type": "array", "merge": "append", "default": []}}
    return graph("counting", {**first, **nodes}, " ".join(["start", *first, *nodes, "end"]), state=state)


async def told(site: Site, path: str) -> dict[str, Any]:
    answer = await site.call("GET", path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def state(site: Site, thread: str, at: int | None = None) -> dict[str, Any]:
    return await told(site, f"/v1/threads/{thread}/state" + ("" if at is None else f"?at={at}"))


async def changes(site: Site, thread: str, query: str = "") -> list[list[tuple[str, str, Any, Any]]]:
    page = await told(site, f"/v1/threads/{thread}/history?{query}")
    return [[tuple(change.values()) for change in entry["changes"]] for entry in page["items"]]


async def a_thread(site: Site) -> str:
    return str((await site.call("POST", "/v1/threads", json={})).json()["id"])


async def two_turns(site: Site) -> str:
    """Rows 1 to 3 and 4 to 6: started, counted, ended."""
    await site.publish(counting())
    thread = await a_thread(site)
    async with site.working():
        for _ in range(2):
            await site.start("counting", wait=WAIT, thread_id=thread)
    return thread


async def write(site: Site, thread: str, *events: Event, checkpoint: Checkpoint | None = None) -> None:
    """Rows from outside, under an epoch of their own."""
    store = site.weft.shared.store()
    hold = await store.holds.hold(DEFAULT_TENANT, ThreadId(thread))
    await store.journal.append(Append(hold.lease, hold.position, events, checkpoint=checkpoint))


async def test_the_state_can_be_read_at_every_position(site: Site) -> None:
    thread = await two_turns(site)

    values = [(await state(site, thread, at))["values"] for at in range(7)]

    nothing, first, second = {"n": 0, "notes": []}, {"n": 1, "notes": [0]}, {"n": 2, "notes": [0, 1]}
    assert values == [{}, nothing, first, first, first, second, second]
    now = await state(site, thread)
    assert (now["values"], now["position"], now["end"], now["run"]) == (second, 6, 6, None)


async def test_a_run_is_shown_with_what_it_had_in_flight(site: Site) -> None:
    await site.publish(counting(rest={"kind": "wait", "signal": "go"}))
    async with site.working():
        run = await site.start("counting", wait=WAIT)
    thread = run["thread_id"]

    begun, parked = (await state(site, thread, 1))["run"], (await state(site, thread))["run"]

    assert (begun["id"], begun["status"], begun["steps"]) == (run["id"], "running", 1)
    assert [(one["path"], one["node"], one["status"]) for one in begun["activations"]] == [("/count#1", "count", "ready")]
    assert (parked["id"], parked["status"], parked["workflow_hash"]) == (run["id"], "parked", run["workflow_hash"])
    assert [(one["path"], one["status"], one["waiting_for"]) for one in parked["activations"]] == [("/rest#1", "parked", "signal")]


@pytest.mark.parametrize("path", ["state?at=7", "diff?from=0&to=7", "diff?from=7", "history?after=7"])
async def test_a_position_beyond_the_end_is_not_found(site: Site, path: str) -> None:
    thread = await two_turns(site)

    answer = await site.call("GET", f"/v1/threads/{thread}/{path}")

    assert (answer.status_code, answer.json()["code"]) == (404, "position_not_found")
    assert "ends at 6" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["state", "diff?from=0", "history"])
async def test_a_thread_that_is_not_there_is_not_found(site: Site, path: str) -> None:
    answer = await site.call("GET", f"/v1/threads/{new_id()}/{path}")

    assert (answer.status_code, answer.json()["code"]) == (404, "thread_not_found")


@pytest.mark.parametrize(
    "path",
    ["state?at=-1", "state?at=x", "diff", "history?limit=0", "history?operation=burn", "history?since=now", "history?until=1700000000"],
)
async def test_parameters_that_do_not_fit_are_refused(site: Site, path: str) -> None:
    answer = await site.call("GET", f"/v1/threads/{new_id()}/{path}")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_history_says_field_by_field_what_each_row_changed(site: Site) -> None:
    thread = await two_turns(site)

    page = await told(site, f"/v1/threads/{thread}/history")

    assert page["next_cursor"] is None
    assert [(entry["position"], entry["operation"], entry["node"]) for entry in page["items"]] == [
        (1, "create", None), (2, "update", "count"), (5, "update", "count")
    ]  # fmt: skip
    assert {entry["state_id"] for entry in page["items"]} == {thread}
    assert len({entry["id"] for entry in page["items"]}) == 3
    assert {entry["user_id"] for entry in page["items"]} == {None}
    assert await changes(site, thread, "after=2") == [[("update", "/n", 1, 2), ("create", "/notes/1", None, 1)]]


async def test_history_comes_in_pages_that_fit_together(site: Site) -> None:
    thread = await two_turns(site)
    whole = (await told(site, f"/v1/threads/{thread}/history"))["items"]

    found: list[dict[str, Any]] = []
    after: str | None = "0"
    while after is not None:
        page = await told(site, f"/v1/threads/{thread}/history?limit=1&after={after}")
        found += page["items"]
        after = page["next_cursor"]

    assert found == whole


async def test_an_edit_and_a_restore_are_entries_with_their_user(site: Site) -> None:
    thread = await two_turns(site)
    edit = (Change(Operation.UPDATE, "/n", 2, 40), Change(Operation.DELETE, "/notes/0", 0))
    back = (Change(Operation.RESTORE, "/n", 40, 1), Change(Operation.RESTORE, "/notes", [1], [0]))
    await write(site, thread, StateEdited(edit, "ann", "was wrong"))
    await write(site, thread, StateRestored(Position(3), back, "bob"))

    entries = (await told(site, f"/v1/threads/{thread}/history?after=6"))["items"]

    assert [(entry["operation"], entry["user_id"], entry["run"]) for entry in entries] == [
        ("update", "ann", None),
        ("restore", "bob", None),
    ]
    assert await changes(site, thread, "after=6&user=ann") == [[("update", "/n", 2, 40), ("delete", "/notes/0", 0, None)]]
    assert await changes(site, thread, "after=6&operation=restore&user=ann") == []
    assert [entry["position"] for entry in (await told(site, f"/v1/threads/{thread}/history?operation=delete"))["items"]] == [7]
    assert (await state(site, thread, 7))["values"] == {"n": 40, "notes": [1]}
    assert (await state(site, thread))["values"] == {"n": 1, "notes": [0]}


async def test_history_is_bounded_by_time_from_and_before(site: Site) -> None:
    thread = await two_turns(site)
    entries = (await told(site, f"/v1/threads/{thread}/history"))["items"]
    second = entries[1]["timestamp"]

    since = (await told(site, f"/v1/threads/{thread}/history?since={second}"))["items"]
    until = (await told(site, f"/v1/threads/{thread}/history?until={second}"))["items"]

    assert [entry["position"] for entry in since] == [entry["position"] for entry in entries if entry["timestamp"] >= second]
    assert [*until, *since] == entries


async def test_a_difference_applied_to_the_one_state_gives_the_other(site: Site) -> None:
    thread = await two_turns(site)

    for start, end in [(0, 6), (6, 0), (2, 5), (5, 2), (3, 3)]:
        between = await told(site, f"/v1/threads/{thread}/diff?from={start}&to={end}")
        found = [Change(Operation(one["operation"]), one["field_path"], one["old_value"], one["new_value"]) for one in between["changes"]]
        old, new = (await state(site, thread, start))["values"], (await state(site, thread, end))["values"]
        assert applied(old, found) == new
        assert (between["from_position"], between["to_position"]) == (start, end)
    assert (await told(site, f"/v1/threads/{thread}/diff?from=5"))["to_position"] == 6


async def test_a_branch_shares_the_past_and_its_runs_start_from_what_was_held_there(site: Site) -> None:
    await site.publish(counting())
    thread = await a_thread(site)
    async with site.working():
        await site.start("counting", wait=WAIT, thread_id=thread)
        await site.start("counting", wait=WAIT, thread_id=thread)
        branch = await a_branch(site, thread, 3)
        await site.start("counting", wait=WAIT, thread_id=branch)

    assert (await state(site, branch, 3))["values"] == {"n": 1, "notes": [0]}
    assert await changes(site, branch, "after=4") == [[("update", "/n", 1, 2), ("create", "/notes/1", None, 1)]]
    assert [entry["position"] for entry in (await told(site, f"/v1/threads/{branch}/history"))["items"]] == [1, 2, 5]
    assert (await state(site, thread))["end"] == 6, "its parent knows nothing of it"


async def test_a_branch_takes_the_state_of_a_run_under_way_and_not_the_run(site: Site) -> None:
    await site.publish(counting(rest={"kind": "wait", "signal": "go"}, again=writes("n", "${state.n + 10}")))
    async with site.working():
        parked = await site.start("counting", wait=WAIT)
        branch = await a_branch(site, parked["thread_id"], 2)
        assert ((at_once := await state(site, branch))["values"], at_once["run"]) == ({"n": 1, "notes": [0]}, None)
        assert (await state(site, branch, 1))["run"]["id"] == parked["id"]
        await site.start(counting(), wait=WAIT, thread_id=branch)

    assert (await state(site, branch))["values"] == {"n": 2, "notes": [0, 1]}
    assert (await site.run(parked["id"]))["status"] == "parked"


async def test_what_retention_removed_is_gone_and_the_answer_says_where_the_past_begins(site: Site) -> None:
    thread = await two_turns(site)
    edit = StateEdited((Change(Operation.UPDATE, "/n", 2, 3),), "ann")
    await write(site, thread, edit, checkpoint=Checkpoint(Position(7), b'{"values":{"n":3,"notes":[0,1]},"run":null}'))
    await write(site, thread, replace(edit, changes=(Change(Operation.UPDATE, "/n", 3, 4),)))
    forgotten = await site.weft.shared.store().retention.forget_rows(datetime.now(UTC), 100)

    gone = [await site.call("GET", f"/v1/threads/{thread}/{path}") for path in ("state?at=6", "history", "diff?from=1&to=8")]

    assert forgotten == 6
    assert [(answer.status_code, answer.json()["code"], answer.json()["begins"]) for answer in gone] == [(410, "position_gone", 7)] * 3
    assert (await state(site, thread, 7))["values"] == {"n": 3, "notes": [0, 1]}
    assert await changes(site, thread, "after=7") == [[("update", "/n", 3, 4)]]


async def test_a_thread_that_only_people_write_to_has_checkpoints_too(site: Site) -> None:
    thread = await a_thread(site)
    await write(site, thread, *(StateEdited((Change(Operation.UPDATE, "/n", None, number),), "ann") for number in range(1_000)))

    answer = await site.call("PATCH", f"/v1/threads/{thread}/state", json={"values": {"n": "last"}})

    assert answer.status_code == 200, answer.text
    stands = await site.weft.shared.store().journal.newest_checkpoint(DEFAULT_TENANT, ThreadId(thread))
    assert stands is not None
    assert stands.position == 1_000
    assert [(await state(site, thread, at))["values"]["n"] for at in (999, 1_000, 1_001)] == [998, 999, "last"]


async def a_branch(site: Site, thread: str, at: int) -> str:
    name = ThreadId(new_id())
    about = Thread(name, DEFAULT_TENANT, datetime.now(UTC), ThreadType.BRANCH, parent=ThreadId(thread), parent_position=Position(at))
    await site.weft.shared.store().threads.add(about)
    return name
