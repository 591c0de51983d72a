"""Moving parked runs to another version of their workflow, with a real worker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from application.access import LOCAL_ADMIN, KeyOrder, Role, local_admin
from bootstrap import open_app
from settings import OFFLINE_ALIASES, read_settings
from tests.integration.rest.service import CONFIGURED
from tests.integration.rest.site import Site, open_site

WAIT = 30
LOG = {"type": "array", "merge": "append", "default": []}
OK = {"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}}
KINDS: dict[str, dict[str, Any]] = {
    "wait": {"kind": "wait", "signal": "go", "writes": {"log": "${'woken with ' + string(output.payload)}"}},
    "human": {"kind": "human", "show": 1, "schema": OK, "writes": {"log": "${output.ok ? 'answered yes' : 'answered no'}"}},
}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    if request.param == "sqlite":
        async with open_site(tmp_path) as opened:
            yield opened
        return
    new_database: Callable[[], str] = request.getfixturevalue("new_postgres_database")
    settings = read_settings(database_url=new_database(), models=OFFLINE_ALIASES, log="error", grace_seconds=0.0, api_keys=CONFIGURED)
    async with open_app(settings) as weft:
        yield Site(weft.rest(asyncio.Event()), weft)


def step(name: str) -> dict[str, Any]:
    return {"kind": "transform", "writes": {"log": name}}


def chain(version: str, nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    names = ["start", *nodes]
    edges = [{"from": one, "to": other} for one, other in pairwise(names)]
    return {"weft": 1, "name": "support", "version": version, "state": {"log": LOG, **more}, "nodes": nodes, "edges": edges}


def old(kind: str = "wait") -> dict[str, Any]:
    return chain("1.0.0", {"first": step("first"), "ask": KINDS[kind], "last": step("last")})


def new(kind: str = "wait", name: str = "approve", **more: Any) -> dict[str, Any]:
    """The first node is gone, the one that waits has another name, and one comes after it."""
    return chain("2.0.0", {name: KINDS[kind], "told": step("told"), "last": step("last")}, **more)


async def parked(site: Site, workflow: str | dict[str, Any] = "support@1.0.0", **order: Any) -> dict[str, Any]:
    run = await site.start(workflow, wait=WAIT, **order)
    assert run["status"] == "parked"
    return run


async def migrated(site: Site, nodes: dict[str, str] | None = None, *, key: str = CONFIGURED, **order: Any) -> Any:
    body = {"from": "support@1.0.0", "to": "support@2.0.0", "nodes": {"ask": "approve"} if nodes is None else nodes, **order}
    return await site.call("POST", "/v1/runs/migrate", json=body, headers={"Authorization": f"Bearer {key}"})


async def statuses(site: Site, nodes: dict[str, str] | None = None, **order: Any) -> dict[str, str]:
    answer = await migrated(site, nodes, **order)
    assert answer.status_code == 200, answer.text
    return {item["run_id"]: item["status"] for item in answer.json()["items"]}


async def codes(site: Site, nodes: dict[str, str] | None = None) -> list[str]:
    (item,) = (await migrated(site, nodes)).json()["items"]
    assert item["status"] == "misfit"
    return [problem["code"] for problem in item["problems"]]


async def went_on(site: Site, run: dict[str, Any], kind: str, activation: str) -> dict[str, Any]:
    """What ends its waiting, and then its end."""
    path, body = {
        "wait": (f"/v1/runs/{run['id']}/signals/go", {"payload": 7}),
        "human": (f"/v1/runs/{run['id']}/answers", {"activation": activation, "answer": {"ok": True}}),
    }[kind]
    answer = await site.call("POST", path, json=body)
    assert answer.status_code in (200, 202), answer.text
    return await ended(site, run)


async def ended(site: Site, run: dict[str, Any]) -> dict[str, Any]:
    async with asyncio.timeout(WAIT):
        async for _ in await site.weft.desk.follow_run(LOCAL_ADMIN, run["id"]):
            pass
    return await site.run(run["id"])


async def journal(site: Site, run: dict[str, Any]) -> list[tuple[str, str]]:
    rows = (await site.call("GET", f"/v1/runs/{run['id']}/events?format=json")).json()["items"]
    return [(row["type"], row.get("activation", "")) for row in rows]


@pytest.mark.parametrize(("kind", "said"), [("wait", "woken with 7"), ("human", "answered yes")])
async def test_a_parked_run_goes_on_in_the_new_version(site: Site, kind: str, said: str) -> None:
    await site.publish(old(kind), new(kind))
    async with site.working():
        run = await parked(site)
        assert await statuses(site) == {run["id"]: "moved"}
        moved = await site.run(run["id"])
        end = await went_on(site, run, kind, "/approve#1")

    assert (moved["status"], moved["workflow"], moved["workflow_hash"] != run["workflow_hash"]) == ("parked", "support@2.0.0", True)
    assert [what["activation"] for what in moved["waiting_for"]] == ["/approve#1"]
    assert [(one["path"], one["status"]) for one in moved["activations"]] == [("/first#1", "finished"), ("/approve#1", "parked")]
    assert (end["status"], end["output"]) == ("completed", {"log": ["first", said, "told", "last"]})
    assert [row for row in await journal(site, run) if row[0] in ("node_parked", "run_migrated", "node_finished")] == [
        ("node_finished", "/first#1"),
        ("node_parked", "/ask#1"),
        ("run_migrated", ""),
        ("node_finished", "/approve#1"),
        ("node_finished", "/told#1"),
        ("node_finished", "/last#1"),
    ]


async def test_it_is_found_under_its_new_version_from_then_on(site: Site) -> None:
    await site.publish(old(), new(), chain("3.0.0", {"third": KINDS["wait"]}))
    async with site.working():
        run = await parked(site)
        await statuses(site)
        assert await statuses(site) == {}
        onward: dict[str, Any] = {"from": "support@2.0.0", "to": "support@3.0.0"}
        answer = await migrated(site, {"approve": "third"}, **onward)
        end = await went_on(site, run, "wait", "")

    assert [item["status"] for item in answer.json()["items"]] == ["moved"]
    assert (end["workflow"], end["output"]) == ("support@3.0.0", {"log": ["first", "woken with 7"]})
    listed = (await site.call("GET", "/v1/runs?workflow=support@3.0.0")).json()["items"]
    assert [one["id"] for one in listed] == [run["id"]]


async def test_a_dry_run_changes_nothing(site: Site) -> None:
    await site.publish(old(), new())
    async with site.working():
        run = await parked(site)
        before = await journal(site, run)
        assert await statuses(site, dry_run=True) == {run["id"]: "fits"}
        assert (await journal(site, run), await site.run(run["id"])) == (before, run)
        end = await went_on(site, run, "wait", "")

    assert (end["workflow"], end["output"]) == ("support@1.0.0", {"log": ["first", "woken with 7", "last"]})


async def test_what_does_not_fit_stays_as_it_is(site: Site) -> None:
    await site.publish(old(), new())
    async with site.working():
        run = await parked(site)
        assert await codes(site, {}) == ["node_gone"]
        assert await site.run(run["id"]) == run
        assert (await went_on(site, run, "wait", ""))["status"] == "completed"


async def test_a_value_that_a_channel_does_not_take_any_more_is_a_misfit(site: Site) -> None:
    await site.publish(old(), new(log={"type": "array", "merge": "append", "items": {"type": "integer"}, "default": []}))
    async with site.working():
        await parked(site)
        assert await codes(site) == ["invalid_value"]


async def test_a_run_that_would_end_at_once_is_a_misfit(site: Site) -> None:
    """`both` has one of the two tokens that it counts now, and nothing under way can bring it another."""
    nodes = {"first": step("first"), "ask": KINDS["wait"], "both": step("both")}
    counting = {**nodes, "second": step("second"), "both": {**step("both"), "join": {"count": 2}}}
    arrows = [("start", "first"), ("start", "ask"), ("first", "both"), ("ask", "both")]
    others = [*arrows[:3], ("start", "second"), ("second", "both")]
    one = {**chain("1.0.0", nodes), "edges": [{"from": source, "to": target} for source, target in arrows]}
    two = {**chain("2.0.0", counting), "edges": [{"from": source, "to": target} for source, target in others]}
    await site.publish(one, two)
    async with site.working():
        run = await parked(site)
        assert await codes(site, {}) == ["would_end"]
        assert await site.run(run["id"]) == run


async def test_a_run_of_a_document_of_its_own_is_a_misfit(site: Site) -> None:
    await site.publish(old(), new())
    async with site.working():
        await parked(site, {**old(), "description": "another one of the same name"})
        assert await codes(site) == ["other_workflow"]


async def test_a_run_that_nothing_holds_up_any_more_goes_on_at_once(site: Site) -> None:
    """`both` waits for two in the old version, and for the one that came in the new one."""
    nodes = {"first": step("first"), "ask": KINDS["wait"], "both": step("both")}
    arrows = [("start", "first"), ("start", "ask"), ("first", "both"), ("ask", "both")]
    one = {**chain("1.0.0", nodes), "edges": [{"from": source, "to": target} for source, target in arrows]}
    two = {**chain("2.0.0", nodes), "edges": [{"from": source, "to": target} for source, target in arrows[:3]]}
    await site.publish(one, two)
    async with site.working():
        run = await parked(site)
        assert await statuses(site, {}) == {run["id"]: "moved"}
        async with asyncio.timeout(WAIT):
            async for item in await site.weft.desk.follow_run(LOCAL_ADMIN, run["id"]):
                if getattr(item, "position", 0) and ("node_finished", "/both#1") in await journal(site, run):
                    break
        assert (await went_on(site, run, "wait", ""))["output"] == {"log": ["first", "both", "woken with 7"]}


async def test_an_answer_that_is_on_its_way_finds_the_question_under_its_new_name(site: Site) -> None:
    await site.publish(old("human"), new("human"))
    async with site.working():
        run = await parked(site)
    body = {"activation": "/ask#1", "answer": {"ok": True}}
    assert (await site.call("POST", f"/v1/runs/{run['id']}/answers", json=body)).status_code == 200
    assert await statuses(site) == {run["id"]: "moved"}
    second = await site.call("POST", f"/v1/runs/{run['id']}/answers", json={"activation": "/approve#1", "answer": {"ok": False}})
    assert second.status_code == 409

    site.weft.worker.stopping.clear()
    async with site.working():
        assert (await ended(site, run))["output"] == {"log": ["first", "answered yes", "told", "last"]}


async def test_pages_go_through_all_parked_runs(site: Site) -> None:
    await site.publish(old(), new())
    async with site.working():
        runs = [await parked(site) for _ in range(5)]
        seen: list[str] = []
        cursor: str | None = None
        while cursor is not None or not seen:
            onward: dict[str, Any] = {} if cursor is None else {"cursor": cursor}
            page = (await migrated(site, limit=2, **onward)).json()
            seen += [item["run_id"] for item in page["items"] if item["status"] == "moved"]
            cursor = page["next_cursor"]

    assert sorted(seen) == sorted(run["id"] for run in runs)


async def test_a_run_that_a_worker_holds_is_told_as_busy_or_not_at_all(site: Site) -> None:
    """Signals race with the migration: each run ends once, in one of the two versions, with nothing lost."""
    await site.publish(old(), new())
    async with site.working():
        runs = [await parked(site) for _ in range(10)]
        signals = [site.call("POST", f"/v1/runs/{run['id']}/signals/go", json={"payload": 7}) for run in runs]
        told, _ = await asyncio.gather(statuses(site), asyncio.gather(*signals))
        ends = [await ended(site, run) for run in runs]

    assert set(told.values()) <= {"moved", "busy"}
    for end in ends:
        added = ["told"] if end["workflow"] == "support@2.0.0" else []
        assert end["output"] == {"log": ["first", "woken with 7", *added, "last"]}
        assert (end["workflow"] == "support@2.0.0") == (told.get(end["id"]) == "moved")


async def test_runs_of_another_tenant_are_not_there(site: Site) -> None:
    await site.publish(old(), new())
    made = await site.weft.desk.create_key(local_admin("acme"), KeyOrder(role=Role.ADMIN))
    assert made.key is not None
    async with site.working():
        run = await parked(site)
        assert (await migrated(site, key=made.key)).status_code == 404
        for document in (old(), new()):
            await site.call("POST", "/v1/workflows", json=document, headers={"Authorization": f"Bearer {made.key}"})
        assert (await migrated(site, key=made.key)).json()["items"] == []

    assert await site.run(run["id"]) == run


async def test_viewers_may_not(site: Site) -> None:
    made = await site.weft.desk.create_key(LOCAL_ADMIN, KeyOrder(role=Role.VIEWER))
    assert made.key is not None
    assert (await migrated(site, key=made.key)).status_code == 403


@pytest.mark.parametrize(
    ("order", "pointer"),
    [
        pytest.param({"nodes": {"nobody": "approve"}}, "/nodes/nobody", id="a node that the old version has not"),
        pytest.param({"nodes": {"ask": "nobody"}}, "/nodes/ask", id="a node that the new version has not"),
        pytest.param({"nodes": {"ask": "last"}}, "/nodes/ask", id="a name that the old version has for another node"),
        pytest.param({"nodes": {"ask": "approve", "first": "approve"}}, "/nodes/first", id="two that become one"),
        pytest.param({"nodes": {"ask/inner": "approve"}}, "/nodes/ask~1inner", id="an inner graph that is not there"),
        pytest.param({"to": "support@1.0.0", "nodes": {}}, "/to", id="the same version"),
        pytest.param({"from": "support"}, "/from", id="no version"),
        pytest.param({"everything": True}, "/everything", id="a member that is not known"),
    ],
)
async def test_what_is_no_migration_is_refused(site: Site, order: dict[str, Any], pointer: str) -> None:
    await site.publish(old(), new())
    body: dict[str, Any] = {"from": "support@1.0.0", "to": "support@2.0.0", **order}
    answer = await site.call("POST", "/v1/runs/migrate", json=body)

    assert (answer.status_code, [problem["pointer"] for problem in answer.json()["problems"]]) == (422, [pointer])
