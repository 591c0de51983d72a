"""People in the middle, over REST: what is asked, who answers, and that one answer counts."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from application.access import LOCAL_ADMIN, KeyOrder, Role
from bootstrap import open_app
from settings import OFFLINE_ALIASES, read_settings
from tests.integration.rest.service import CONFIGURED
from tests.integration.rest.site import Site, open_site

WAIT = 30
OK = {"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}}


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


def asking(*names: str, **keys: Any) -> dict[str, Any]:
    node = {"kind": "human", "show": {"text": "Is ${input.what} right?"}, "schema": OK, "writes": {"said": "${output.ok}"}, **keys}
    edges = [{"from": "start", "to": name} for name in names]
    state = {"said": {"type": "array", "merge": "append", "default": []}}
    return {"weft": 1, "name": "asking", "version": "1.0.0", "state": state, "nodes": dict.fromkeys(names, node), "edges": edges}


async def parked(site: Site, document: dict[str, Any], **order: Any) -> dict[str, Any]:
    return await site.start(document, wait=WAIT, input={"what": "this"}, **order)


async def answered(site: Site, run: dict[str, Any], answer: Any, activation: str = "/a#1", key: str = CONFIGURED, **how: Any) -> Any:
    headers = {"Authorization": f"Bearer {key}", **how.pop("headers", {})}
    return await site.call(
        "POST", f"/v1/runs/{run['id']}/answers", json={"activation": activation, "answer": answer, **how}, headers=headers
    )


async def key_of(site: Site, name: str, role: Role) -> str:
    made = await site.weft.desk.create_key(LOCAL_ADMIN, KeyOrder(role=role, name=name))
    assert made.key is not None
    return made.key


async def settled(site: Site, run: dict[str, Any]) -> dict[str, Any]:
    """Once it is over, or waits for the outside again."""
    await site.weft.desk.wait_for_run(LOCAL_ADMIN, run["id"], WAIT)
    return await site.run(run["id"])


async def ended(site: Site, run: dict[str, Any]) -> dict[str, Any]:
    async with asyncio.timeout(WAIT):
        async for _ in await site.weft.desk.follow_run(LOCAL_ADMIN, run["id"]):
            pass
    return await site.run(run["id"])


async def test_a_run_says_what_it_asks(site: Site) -> None:
    async with site.working():
        run = await parked(site, asking("a", who=["ada"], deadline_seconds=3600))

    (what,) = run["waiting_for"]
    assert (run["status"], run["waits_for"], what["activation"], what["kind"]) == ("parked", ["human"], "/a#1", "human")
    assert (what["show"], what["schema"], what["who"]) == ({"text": "Is this right?"}, OK, ["ada"])
    assert what["until"] > run["started_at"]


async def test_an_answer_lets_it_go_on(site: Site) -> None:
    async with site.working():
        run = await parked(site, asking("a"))
        answer = await answered(site, run, {"ok": True})
        assert (answer.status_code, (await ended(site, run))["output"]) == (200, {"said": [True]})

    rows = [row async for row in _rows(site, run)]
    assert [(row["type"], row.get("by"), row.get("answer")) for row in rows if row["type"] == "answered"] == [
        ("answered", "configured", {"ok": True})
    ]


async def _rows(site: Site, run: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    async for item in await site.weft.desk.follow_run(LOCAL_ADMIN, run["id"]):
        if item is not None and hasattr(item, "position"):
            yield item.model_dump(mode="json")


async def test_of_fifty_answers_at_the_same_moment_one_is_taken(site: Site) -> None:
    async with site.working():
        run = await parked(site, asking("a"))
        answers = await asyncio.gather(*(answered(site, run, {"ok": number % 2 == 0}) for number in range(50)))
        output = (await ended(site, run))["output"]

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 49}
    winner = next(number for number, answer in enumerate(answers) if answer.status_code == 200)
    assert output == {"said": [winner % 2 == 0]}


async def test_several_questions_are_answered_one_by_one_in_any_order(site: Site) -> None:
    async with site.working():
        run = await parked(site, asking("a", "b", "c"))
        assert [what["activation"] for what in run["waiting_for"]] == ["/a#1", "/b#1", "/c#1"]
        for name, ok in (("c", True), ("a", False), ("b", True)):
            assert (await answered(site, run, {"ok": ok}, f"/{name}#1")).status_code == 200
        output = (await ended(site, run))["output"]

    assert sorted(output["said"]) == [False, True, True]


async def test_answers_and_the_deadline_agree_about_who_was_first(site: Site) -> None:
    document = asking("a", deadline_seconds=0.3, default={"ok": False})
    async with site.working():
        runs = [await site.start(document, input={"what": "this"}) for _ in range(10)]
        answers = await asyncio.gather(*(_at_the_deadline(site, run) for run in runs))
        outputs = [(await ended(site, run))["output"] for run in runs]

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert [output["said"] for output in outputs] == [[answer.status_code == 200] for answer in answers]


async def _at_the_deadline(site: Site, run: dict[str, Any]) -> Any:
    """As near to it as can be; on which side does not matter."""
    for waiting in (await settled(site, run))["waiting_for"]:
        await asyncio.sleep(max(datetime.fromisoformat(waiting["until"]).timestamp() - time.time(), 0.0))
    return await answered(site, run, {"ok": True})


async def test_an_answer_that_breaks_the_schema_is_refused_with_its_pointers(site: Site) -> None:
    async with site.working():
        run = await parked(site, asking("a"))
        answer = await answered(site, run, {"ok": "perhaps"})

    assert (answer.status_code, [found["pointer"] for found in answer.json()["problems"]]) == (422, ["/answer/ok"])
    assert (await site.run(run["id"]))["status"] == "parked"


@pytest.mark.parametrize(
    ("order", "pointer"),
    [
        pytest.param({"activation": "/a#1"}, "/answer", id="no answer"),
        pytest.param({"answer": 1}, "/activation", id="to nothing"),
        pytest.param({"activation": "/a#1", "answer": 1, "who": "me"}, "/who", id="a member that is not known"),
    ],
)
async def test_what_is_no_answer_is_refused(site: Site, order: dict[str, Any], pointer: str) -> None:
    run = await site.start(asking("a"), input={"what": "this"})
    answer = await site.call("POST", f"/v1/runs/{run['id']}/answers", json=order)

    assert (answer.status_code, [found["pointer"] for found in answer.json()["problems"]]) == (422, [pointer])


async def test_runs_that_are_not_there_and_questions_that_are_not_asked(site: Site) -> None:
    async with site.working():
        run = await parked(site, asking("a"))
        strange = await answered(site, {"id": "0190a1b2-0000-7000-8000-000000000000"}, {"ok": True})
        elsewhere = await answered(site, run, {"ok": True}, "/b#1")
        await answered(site, run, {"ok": True})
        again = await answered(site, run, {"ok": True})
        await ended(site, run)
        late = await answered(site, run, {"ok": True})

    assert [answer.status_code for answer in (strange, elsewhere, again, late)] == [404, 409, 409, 409]
    assert [answer.json()["code"] for answer in (elsewhere, again, late)] == ["illegal_transition"] * 3
    assert "configured has answered /a#1 already" in late.json()["detail"]


async def test_whom_it_is_for(site: Site) -> None:
    ada, eve = await key_of(site, "ada", Role.VIEWER), await key_of(site, "eve", Role.OPERATOR)
    async with site.working():
        named, anybody = await parked(site, asking("a", who=["ada"])), await parked(site, asking("a"))
        told = [
            await answered(site, named, {"ok": True}, key=eve),
            await answered(site, named, {"ok": True}, key=ada),
            await answered(site, anybody, {"ok": True}, key=ada),
            await answered(site, anybody, {"ok": True}, key=eve),
        ]

    assert [answer.status_code for answer in told] == [403, 200, 403, 200]


async def test_the_same_key_and_answer_is_one_answer(site: Site) -> None:
    async with site.working():
        run = await parked(site, asking("a"))
        first = [await answered(site, run, {"ok": True}, headers={"Idempotency-Key": "k"}) for _ in range(2)]
        other = await answered(site, run, {"ok": False}, headers={"Idempotency-Key": "k"})
        await ended(site, run)
        after = await answered(site, run, {"ok": True}, headers={"Idempotency-Key": "k"})

    assert [answer.status_code for answer in (*first, other, after)] == [200, 200, 409, 200]


async def test_a_run_stops_at_its_breakpoints(site: Site) -> None:
    async with site.working():
        run = await parked(site, asking("a"), pause_before=["a"])
        assert [(what["kind"], what["activation"]) for what in run["waiting_for"]] == [("pause", "/a#1")]
        await site.call("POST", f"/v1/runs/{run['id']}/resume")
        async with asyncio.timeout(WAIT):
            while (await site.run(run["id"]))["waits_for"] != ["human"]:
                await settled(site, run)


async def test_a_breakpoint_at_a_node_that_is_not_there_is_refused(site: Site) -> None:
    order = {"workflow": asking("a"), "input": {"what": "this"}, "pause_before": ["a", "b"], "pause_after": ["c"]}
    answer = await site.call("POST", "/v1/runs", json=order)

    assert (answer.status_code, [found["pointer"] for found in answer.json()["problems"]]) == (422, ["/pause_before/1", "/pause_after/0"])
