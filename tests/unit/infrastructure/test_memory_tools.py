"""`remember` and `recall`, called as a run calls them, over a store in memory."""

from datetime import timedelta
from typing import Any, cast

import pytest

from domain.acting import Acting
from domain.ids import DEFAULT_TENANT, RunId, SessionId, TenantId
from domain.json import Json
from domain.ports.tools import ToolContext
from domain.tool import Effects, Tool, ToolExecutionResult
from infrastructure.store.memory.book import Book
from infrastructure.store.memory.items import MemoryItems
from infrastructure.store.memory.line import Line
from infrastructure.tools.builtin.memory import RECALL, REMEMBER, memory_tools
from tests.toolbox import tools_of
from tests.unit.infrastructure.tool_calls import HandClock, answer, refusal

ALONE = ToolContext(DEFAULT_TENANT, "key", RunId("r"), workflow="triage")


def in_session(session: str, user: str, workflow: str = "triage") -> ToolContext:
    return ToolContext(DEFAULT_TENANT, "key", RunId("r"), acting=Acting(SessionId(session), user, None), workflow=workflow)


class Kept:
    def __init__(self) -> None:
        self.clock = HandClock()
        items = MemoryItems(Book(Line()))
        self.tools = tools_of(self.clock, memory_tools(items, self.clock))

    async def call(self, name: str, context: ToolContext = ALONE, **arguments: Json) -> ToolExecutionResult:
        return await self.tools.call(name, arguments, context)

    async def remember(self, context: ToolContext = ALONE, **arguments: Json) -> Any:
        return answer(await self.call("remember", context, **arguments))

    async def recall(self, context: ToolContext = ALONE, **arguments: Json) -> Any:
        return answer(await self.call("recall", context, **arguments))


@pytest.fixture
def kept() -> Kept:
    return Kept()


async def test_what_was_remembered_is_recalled(kept: Kept) -> None:
    assert await kept.remember(key="colour", value={"is": "blue"}) == {"namespace": "workflow/triage", "key": "colour", "version": 1}
    found = await kept.recall(key="colour")

    assert (found["found"], found["value"]) == (True, {"is": "blue"})
    assert [(item["namespace"], item["key"], item["version"]) for item in found["items"]] == [("workflow/triage", "colour", 1)]


async def test_what_was_not_is_no_error(kept: Kept) -> None:
    assert await kept.recall(key="colour") == {"found": False, "value": None, "items": []}


async def test_it_is_forgotten_after_its_time(kept: Kept) -> None:
    await kept.remember(key="colour", value="blue", ttl_seconds=60)
    kept.clock.time += timedelta(seconds=60)

    assert not (await kept.recall(key="colour"))["found"]


@pytest.mark.parametrize(
    ("scope", "sees_it"),
    [
        pytest.param("session", [True, False, False, False], id="a session's is seen in it only"),
        pytest.param("user", [True, True, False, False], id="a user's in all of theirs"),
        pytest.param("workflow", [True, True, True, False], id="a workflow's in all of its runs"),
        pytest.param("tenant", [True, True, True, True], id="a tenant's everywhere"),
    ],
)
async def test_each_scope_is_seen_by_its_own(kept: Kept, scope: str, sees_it: list[bool]) -> None:
    here, later, other = in_session("s1", "ann"), in_session("s2", "ann"), in_session("s3", "bob")
    await kept.remember(here, key="colour", value="blue", scope=scope)
    readers = [here, later, other, in_session("s4", "eve", "another")]

    assert [(await kept.recall(reader, key="colour", scope=scope))["found"] for reader in readers] == sees_it


async def test_a_tenants_namespace_reaches_into_nobodys_else(kept: Kept) -> None:
    await kept.remember(in_session("s1", "ann"), key="colour", value="blue", scope="user")

    assert not (await kept.recall(key="colour", scope="tenant", namespace="user/ann"))["found"]


async def test_another_tenants_is_not_there(kept: Kept) -> None:
    other = ToolContext(TenantId("other"), "key")
    await kept.remember(key="colour", value="blue", scope="tenant")

    assert not (await kept.recall(other, scope="tenant"))["found"]
    assert not (await kept.recall(other, scope="tenant", key="colour"))["found"]


async def test_items_are_found_by_text_and_members_within_a_namespace(kept: Kept) -> None:
    for key, namespace, value in (("a", "notes", {"says": "Red car"}), ("b", "notes/old", {"says": "red bus", "n": 3}), ("c", "x", "red")):
        await kept.remember(key=key, namespace=namespace, value=cast(Json, value))

    async def keys(**wanted: Any) -> list[str]:
        return [item["key"] for item in (await kept.recall(**wanted))["items"]]

    assert await keys(namespace="notes", text="RED") == ["a", "b"]
    assert await keys(filter={"n": {"$gt": 2}}) == ["b"]
    assert await keys(limit=2) == ["a", "b"]
    assert await keys() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("name", "context", "arguments", "code"),
    [
        ("remember", ALONE, {"key": "k", "value": 1, "scope": "session"}, "scope_missing"),
        ("remember", ALONE, {"key": "k", "value": 1, "scope": "user"}, "scope_missing"),
        ("recall", ToolContext(DEFAULT_TENANT, "key"), {"key": "k"}, "scope_missing"),
        ("remember", ALONE, {"key": "k", "value": "x" * 262_143}, "too_large"),
        ("remember", ALONE, {"key": "a/b", "value": 1}, "invalid"),
        ("remember", ALONE, {"key": "k", "value": 1, "namespace": "a//b"}, "invalid"),
        ("remember", ALONE, {"key": "k", "value": 1, "ttl_seconds": 0}, "invalid_arguments"),
        ("remember", ALONE, {"key": "k"}, "invalid_arguments"),
        ("recall", ALONE, {"key": "k", "text": "x"}, "invalid_arguments"),
        ("recall", ALONE, {"filter": {"a": {"$near": 1}}}, "invalid"),
        ("recall", ALONE, {"scope": "everybody"}, "invalid_arguments"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_code(kept: Kept, name: str, context: ToolContext, arguments: Any, code: str) -> None:
    assert refusal(await kept.call(name, context, **arguments)) == code


async def test_the_permissions_of_a_session_are_for_these_too(kept: Kept) -> None:
    restricted = ToolContext(DEFAULT_TENANT, "key", acting=Acting(SessionId("s"), "ann", ("recall",)), workflow="triage")

    assert refusal(await kept.call("remember", restricted, key="k", value=1)) == "forbidden"
    assert await kept.recall(restricted, key="k")


@pytest.mark.parametrize("tool", [REMEMBER, RECALL])
async def test_an_example_in_a_definition_is_what_the_tool_answers(kept: Kept, tool: Tool) -> None:
    (example,) = tool.examples
    assert answer(await kept.call(tool.name, **cast("dict[str, Any]", example["arguments"]))) == example["output"]


def test_they_may_be_called_again() -> None:
    assert (REMEMBER.effects, RECALL.effects) == (Effects.IDEMPOTENT, Effects.NONE)
