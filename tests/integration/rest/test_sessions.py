"""Sessions over REST: opened, changed, moved, and who may."""

import asyncio
from itertools import product
from typing import Any

import pytest

from application.access import Role
from tests.integration.rest.service import Service, adder

PATH = "/v1/sessions"
ORDER = {"user_id": "ada", "workflow": "adder"}
GONE = "0190a1b2-0000-7000-8000-000000000000"


@pytest.fixture(autouse=True)
async def published(service: Service) -> None:
    await service.publish(adder())


async def opened(service: Service, **order: Any) -> dict[str, Any]:
    answer = await service.call("POST", PATH, json={**ORDER, **order})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"{PATH}/{made['id']}"
    return made


async def said(service: Service, session: dict[str, Any], content: Any = None, **order: Any) -> Any:
    body = {"content": {"x": 1} if content is None else content, **order}
    return await service.call("POST", f"{PATH}/{session['id']}/interactions", json=body)


async def test_a_session_has_a_main_thread(service: Service) -> None:
    made = await opened(service, metadata={"a": 1}, preferences={"language": "de"}, permissions=["mail.*"])
    found = (await service.call("GET", f"{PATH}/{made['id']}")).json()
    threads = (await service.call("GET", f"{PATH}/{made['id']}/threads")).json()["items"]

    assert found == made
    assert (made["state"], made["permissions"]) == ("active", ["mail.*"])
    assert (made["metadata"], made["preferences"]) == ({"a": 1}, {"language": "de"})
    assert [(thread["id"], thread["type"]) for thread in threads] == [(made["thread_id"], "main")]
    assert (await service.call("GET", f"/v1/threads/{made['thread_id']}")).status_code == 200


@pytest.mark.parametrize(
    ("order", "pointer"),
    [
        pytest.param({"user_id": ""}, "/user_id", id="nobody"),
        pytest.param({"user_id": None}, "/user_id", id="no user"),
        pytest.param({"workflow": "a b"}, "/workflow", id="a workflow that cannot be one"),
        pytest.param({"permissions": ["*.mail"]}, "/permissions/0", id="a star in front"),
        pytest.param({"permissions": "mail"}, "/permissions", id="permissions that are no list"),
        pytest.param({"state": "aborted"}, "/state", id="a member that is not known"),
    ],
)
async def test_what_does_not_fit_is_refused_with_its_pointer(service: Service, order: dict[str, Any], pointer: str) -> None:
    answer = await service.call("POST", PATH, json={**ORDER, **order})

    assert (answer.status_code, answer.json()["problems"][0]["pointer"]) == (422, pointer)
    assert (await service.call("GET", PATH)).json()["items"] == []


async def test_a_key_opens_one_session(service: Service) -> None:
    key = {"Idempotency-Key": "k"}
    answers = [await service.call("POST", PATH, json=ORDER, headers=key) for _ in range(2)]
    other = await service.call("POST", PATH, json={**ORDER, "user_id": "bob"}, headers=key)

    assert answers[0].json() == answers[1].json()
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    assert len((await service.call("GET", PATH)).json()["items"]) == 1
    assert len((await service.call("GET", "/v1/threads")).json()["items"]) == 1


async def test_a_list_is_narrowed_and_has_pages(service: Service) -> None:
    made = [await opened(service, user_id=user) for user in ("ada", "bob", "ada", "ada")]
    await service.call("POST", f"{PATH}/{made[0]['id']}/pause")

    async def listed(**wanted: Any) -> Any:
        return (await service.call("GET", PATH, params=wanted)).json()

    first = await listed(user_id="ada", limit=2)
    rest = await listed(user_id="ada", limit=2, cursor=first["next_cursor"])
    assert [one["id"] for one in (*first["items"], *rest["items"])] == [made[number]["id"] for number in (3, 2, 0)]
    assert [one["id"] for one in (await listed(state="paused"))["items"]] == [made[0]["id"]]
    assert (await service.call("GET", PATH, params={"state": "asleep"})).status_code == 422


async def test_a_patch_replaces_what_it_says(service: Service) -> None:
    made = await opened(service, metadata={"a": 1}, preferences={"language": "de"}, permissions=["mail"])

    async def patched(**patch: Any) -> Any:
        answer = await service.call("PATCH", f"{PATH}/{made['id']}", json=patch)
        assert answer.status_code == 200, answer.text
        return {name: value for name, value in answer.json().items() if name != "updated_at"}

    expected = {name: value for name, value in made.items() if name != "updated_at"}
    assert await patched() == expected
    assert await patched(metadata={"b": 2}) == {**expected, "metadata": {"b": 2}}
    assert await patched(permissions=[], workflow=None) == {**expected, "metadata": {"b": 2}, "permissions": [], "workflow": None}
    assert (await patched(permissions=None))["permissions"] is None
    assert (await patched(preferences={}))["preferences"] == {}
    assert (await service.call("GET", f"{PATH}/{made['id']}")).json()["updated_at"] > made["updated_at"]


async def test_changes_at_one_moment_are_all_kept(service: Service) -> None:
    made = await opened(service)
    path = f"{PATH}/{made['id']}"
    patches: list[dict[str, Any]] = [{"metadata": {"a": 1}}, {"preferences": {"b": 2}}, {"permissions": ["c"]}, {"workflow": "adder@1.0.0"}]
    await asyncio.gather(*(service.call("PATCH", path, json=patch) for patch in patches))
    found = (await service.call("GET", path)).json()

    assert {name: found[name] for patch in patches for name in patch} == {name: value for patch in patches for name, value in patch.items()}


MOVES = {"pause": "paused", "resume": "active", "complete": "completed", "abort": "aborted"}
WAYS = {"active": [], "paused": ["pause"], "completed": ["complete"], "aborted": ["abort"]}
FINAL = ("completed", "aborted")


@pytest.mark.parametrize(("state", "move"), list(product(WAYS, MOVES)))
async def test_every_move_from_every_state(service: Service, state: str, move: str) -> None:
    made = await opened(service)
    for step in WAYS[state]:
        await service.call("POST", f"{PATH}/{made['id']}/{step}")
    answer = await service.call("POST", f"{PATH}/{made['id']}/{move}")
    found = (await service.call("GET", f"{PATH}/{made['id']}")).json()

    if state in FINAL and MOVES[move] != state:
        assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")
        assert f"is {state} and cannot become {MOVES[move]}" in answer.json()["detail"]
        assert found["state"] == state
    else:
        assert (answer.status_code, answer.json()) == (200, found)
        assert found["state"] == MOVES[move]


@pytest.mark.parametrize("state", ["paused", "completed", "aborted"])
async def test_nothing_is_said_in_a_session_that_is_not_active(service: Service, state: str) -> None:
    made = await opened(service)
    for step in WAYS[state]:
        await service.call("POST", f"{PATH}/{made['id']}/{step}")
    refused = [
        await said(service, made),
        await service.start({"workflow": "adder", "input": {"x": 1}, "session_id": made["id"]}),
        await service.start({"workflow": "adder", "input": {"x": 1}, "thread_id": made["thread_id"]}),
        await service.call("POST", f"{PATH}/{made['id']}/threads", json={}),
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(409, "illegal_transition")}
    assert all(f"is {state} and must be active" in answer.json()["detail"] for answer in refused)
    assert (await service.call("GET", "/v1/runs")).json()["items"] == []


async def test_what_was_said_before_the_pause_is_answered_again_by_its_key(service: Service) -> None:
    made, key = await opened(service), {"Idempotency-Key": "k"}
    path, body = f"{PATH}/{made['id']}/interactions", {"content": {"x": 1}}
    first = await service.call("POST", path, json=body, headers=key)
    await service.call("POST", f"{PATH}/{made['id']}/pause")
    again = await service.call("POST", path, json=body, headers=key)
    other = await service.call("POST", path, json={"content": {"x": 2}}, headers=key)

    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json()["run"]["id"] == first.json()["run"]["id"]
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    assert len((await service.call("GET", "/v1/runs")).json()["items"]) == 1


async def test_what_is_said_starts_a_run_on_the_main_thread(service: Service) -> None:
    made = await opened(service, permissions=["double"])
    answer = await said(service, made)
    run, told = answer.json()["run"], answer.json()["interaction"]

    assert (answer.status_code, answer.headers["Location"]) == (202, f"/v1/runs/{run['id']}")
    assert (run["thread_id"], run["session_id"], run["permissions"]) == (made["thread_id"], made["id"], ["double"])
    assert (run["workflow"], run["input"], answer.json()["response"]) == ("adder@1.0.0", {"x": 1}, None)
    assert (told["type"], told["content"], told["run_id"], told["position"]) == ("user_request", {"x": 1}, run["id"], None)


async def test_what_is_said_while_a_run_goes_on_follows_on_busy(service: Service) -> None:
    made = await opened(service)
    first, second = await said(service, made), await said(service, made)
    refused = await said(service, made, on_busy="reject")

    assert [answer.status_code for answer in (first, second)] == [202, 202]
    assert (refused.status_code, refused.json()["code"]) == (409, "thread_busy")


async def test_a_text_is_the_member_message_of_the_input(service: Service) -> None:
    await service.publish(adder("2.0.0", input={"type": "object", "required": ["message"]}))
    answer = await said(service, await opened(service), "hello")

    assert answer.json()["run"]["input"] == {"message": "hello"}


async def test_a_message_says_where_it_goes_and_what_it_starts(service: Service) -> None:
    made = await opened(service, workflow=None)
    thread = (await service.call("POST", f"{PATH}/{made['id']}/threads", json={"name": "beside"})).json()
    answer = await said(service, made, workflow="adder@1.0.0", thread_id=thread["id"])
    without = await said(service, made)

    assert (thread["name"], thread["type"]) == ("beside", "parallel")
    assert answer.json()["run"]["thread_id"] == thread["id"]
    assert (without.status_code, without.json()["problems"][0]["pointer"]) == (422, "/workflow")


async def test_a_thread_of_another_session_is_not_there(service: Service) -> None:
    made, other = await opened(service), await opened(service)
    lone = (await service.call("POST", "/v1/threads", json={})).json()
    answers = [await said(service, made, thread_id=thread) for thread in (other["thread_id"], lone["id"], GONE, "nonsense")]
    order = {"workflow": "adder", "input": {"x": 1}, "session_id": made["id"], "thread_id": other["thread_id"]}
    answers.append(await service.start(order))

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "thread_not_found")}


async def test_a_key_opens_one_thread(service: Service) -> None:
    made, key = await opened(service), {"Idempotency-Key": "k"}
    answers = [await service.call("POST", f"{PATH}/{made['id']}/threads", json={"name": "a"}, headers=key) for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert len((await service.call("GET", f"{PATH}/{made['id']}/threads")).json()["items"]) == 2


async def test_a_run_is_the_sessions_whichever_way_it_was_asked_for(service: Service) -> None:
    made = await opened(service, permissions=[])
    order = {"workflow": "adder", "input": {"x": 1}}
    runs = [
        (await service.start({**order, "session_id": made["id"]})).json(),
        (await service.start({**order, "thread_id": made["thread_id"]})).json(),
        (await said(service, made)).json()["run"],
    ]
    await service.start(order)
    listed = (await service.call("GET", "/v1/runs", params={"session_id": made["id"]})).json()["items"]

    assert {(run["session_id"], run["thread_id"]) for run in runs} == {(made["id"], made["thread_id"])}
    assert [run["permissions"] for run in runs] == [[], [], []]
    assert [run["id"] for run in listed] == [run["id"] for run in reversed(runs)]
    assert (await service.call("GET", "/v1/runs", params={"session_id": GONE})).json()["items"] == []


async def test_an_aborted_session_asks_its_unfinished_runs_to_stop_and_no_others(service: Service) -> None:
    made = await opened(service)
    first = (await said(service, made)).json()["run"]
    hand = await service.worker()
    await hand.begin()
    await hand.end()
    waiting = [(await said(service, made)).json()["run"]["id"] for _ in range(3)]
    await service.start({"workflow": "adder", "input": {"x": 1}})
    for _ in range(2):
        await service.call("POST", f"{PATH}/{made['id']}/abort")
    wishes = await service.store.inbox.waiting([made["thread_id"]])

    assert sorted(wish.run for wish in wishes) == sorted(waiting)
    assert {(wish.kind, wish.body["reason"]) for wish in wishes} == {("cancel", f"session {made['id']} was aborted")}
    assert first["id"] not in {wish.run for wish in wishes}


async def test_a_run_that_starts_while_its_session_is_aborted_is_cancelled_too(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await opened(service)
    start = type(service.store.runs).start

    async def slow(runs: Any, new: Any) -> Any:
        await service.call("POST", f"{PATH}/{made['id']}/abort")
        return await start(runs, new)

    monkeypatch.setattr(type(service.store.runs), "start", slow)
    run = (await said(service, made)).json()["run"]

    assert [(wish.run, wish.kind) for wish in await service.store.inbox.waiting([made["thread_id"]])] == [(run["id"], "cancel")]


ASKS = [
    pytest.param("GET", "", None, Role.VIEWER, id="look"),
    pytest.param("GET", "/threads", None, Role.VIEWER, id="look at threads"),
    pytest.param("GET", "/interactions", None, Role.VIEWER, id="look at interactions"),
    pytest.param("PATCH", "", {"metadata": {}}, Role.OPERATOR, id="change"),
    pytest.param("POST", "/interactions", {"content": {"x": 1}}, Role.OPERATOR, id="say something"),
    pytest.param("POST", "/threads", {}, Role.OPERATOR, id="open a thread"),
    pytest.param("POST", "/pause", None, Role.OPERATOR, id="pause"),
    pytest.param("POST", "/resume", None, Role.OPERATOR, id="resume"),
    pytest.param("POST", "/complete", None, Role.OPERATOR, id="complete"),
    pytest.param("POST", "/abort", None, Role.OPERATOR, id="abort"),
]


@pytest.mark.parametrize(("method", "path", "body", "needed"), ASKS)
async def test_who_may_and_that_another_tenant_sees_nothing(service: Service, method: str, path: str, body: Any, needed: Role) -> None:
    made = await opened(service)
    path = f"{PATH}/{made['id']}{path}"
    other = await service.call(method, path, await service.key_of("other"), json=body)
    gone = await service.call(method, path.replace(made["id"], GONE), json=body)
    answers = {role: await service.call(method, path, await service.key_of("default", role), json=body) for role in Role}

    assert (other.status_code, other.json()["code"]) == (gone.status_code, gone.json()["code"]) == (404, "session_not_found")
    allowed = {role for role, answer in answers.items() if answer.status_code != 403}
    assert allowed == {role for role in Role if role.includes(needed)}


async def test_another_tenant_lists_none_and_starts_nothing_in_one(service: Service) -> None:
    made, key = await opened(service), await service.key_of("other")
    await service.publish(adder(), key)
    started = await service.start({"workflow": "adder", "input": {"x": 1}, "session_id": made["id"]}, key)

    assert (await service.call("GET", PATH, key)).json()["items"] == []
    assert (await service.call("GET", "/v1/runs", key, params={"session_id": made["id"]})).json()["items"] == []
    assert (started.status_code, started.json()["code"]) == (404, "session_not_found")


async def test_a_viewer_opens_none(service: Service) -> None:
    answer = await service.call("POST", PATH, await service.key_of("default", Role.VIEWER), json=ORDER)
    assert answer.status_code == 403
