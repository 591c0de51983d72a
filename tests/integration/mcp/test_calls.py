"""Calls of a server's tools over its pipes."""

import asyncio
import json
from dataclasses import replace

import pytest

from domain.ids import TenantId
from domain.tool import Effects, ToolType
from infrastructure.tools.mcp.settings import ServerPart
from tests.integration.mcp.house import CONTEXT, Household, answer, eventually, refusal, within


async def test_tools_are_listed_over_all_pages_under_the_name_of_their_server(house: Household) -> None:
    servers = await house.open(hand=house.by_hand())

    tool = servers.tools()["hand__echo"].tool

    assert len(servers.tools()) == 12
    assert (tool.tool_type, tool.metadata.description, tool.metadata.tags) == (ToolType.MCP, "Say it again.", ("mcp", "hand"))
    assert tool.config.required_parameters == ("text",)


async def test_only_the_tools_that_the_owner_names_are_listed(house: Household) -> None:
    servers = await house.open(hand=house.by_hand(tools=("e*", "sum")))

    assert sorted(servers.tools()) == ["hand__echo", "hand__environment", "hand__sum"]


@pytest.mark.parametrize(
    ("told", "effects"),
    [
        pytest.param({}, Effects.ONCE, id="what a stranger claims of effects is not believed"),
        pytest.param({"trust_annotations": True}, Effects.NONE, id="unless the owner says so"),
        pytest.param({"effects": {"ec*": "idempotent", "*": "none"}}, Effects.IDEMPOTENT, id="the first pattern of the owner that fits"),
        pytest.param({"trust_annotations": True, "effects": {"echo": "once"}}, Effects.ONCE, id="the owner before the server"),
    ],
)
async def test_effects(house: Household, told: dict[str, object], effects: Effects) -> None:
    servers = await house.open(hand=house.by_hand(**told))

    assert servers.tools()["hand__echo"].tool.effects is effects


async def test_a_text_is_the_answer(house: Household) -> None:
    await house.open(hand=house.by_hand())

    assert answer(await house.call("hand__echo", text="Größe 🙂\n")) == "Größe 🙂\n"


async def test_what_is_structured_is_the_answer_as_it_is(house: Household) -> None:
    await house.open(hand=house.by_hand())

    assert answer(await house.call("hand__sum", a=20, b=22)) == {"sum": 42}


async def test_parts_of_other_kinds_are_a_list(house: Household) -> None:
    await house.open(hand=house.by_hand())

    assert answer(await house.call("hand__parts")) == [
        {"type": "text", "text": "a"},
        {"type": "image", "mime": "image/png", "base64": "AAAA"},
        {"type": "audio", "mime": "audio/wav", "base64": "AAAB"},
        {"type": "resource_link", "uri": "file:///r", "name": "r", "mime": "text/plain"},
        {"type": "resource", "uri": "file:///t", "mime": "text/plain", "text": "t"},
        {"type": "resource", "uri": "file:///b", "mime": "application/x", "base64": "AAE="},
    ]


async def test_a_tool_that_says_it_failed_fails_with_its_words_made_harmless(house: Household) -> None:
    await house.open(hand=house.by_hand())

    result = await house.call("hand__fail")

    assert refusal(result) == "tool_failed"
    assert result.error is not None
    assert result.error.message == "no \ufffd[31mluck\ufffd[0m"
    assert not result.unknown


async def test_an_error_of_the_protocol_fails_the_call_and_nothing_else(house: Household) -> None:
    await house.open(hand=house.by_hand())

    refused = await house.call("hand__refuse")

    assert (refusal(refused), refused.error and refused.error.message) == ("tool_failed", "not today")
    assert answer(await house.call("hand__echo", text="on")) == "on"


async def test_arguments_are_checked_before_the_server_sees_them(house: Household) -> None:
    await house.open(hand=house.by_hand())

    assert refusal(await house.call("hand__echo", words="x")) == "invalid_arguments"
    assert house.calls() == []


async def test_the_idempotency_key_goes_along(house: Household) -> None:
    await house.open(hand=house.by_hand())

    meta = json.loads(str(answer(await house.call("hand__meta"))))

    assert meta["weft/idempotency-key"] == CONTEXT.idempotency_key


async def test_progress_is_told_and_a_call_out_of_time_is_cancelled_at_the_server(house: Household) -> None:
    await house.open(hand=house.by_hand())
    told: list[str] = []

    result = await house.call("hand__wait", replace(within(0.3), tell=told.append))

    assert (refusal(result), result.unknown) == ("timeout", True)
    assert told == ["step 1 (1 of 2)", "step 2 (2 of 2)"]
    await eventually(lambda: house.calls() == ["wait", "waiting", "cancelled"])
    assert answer(await house.call("hand__echo", text="still there")) == "still there"
    assert len(house.pids()) == 1


async def test_a_caller_that_goes_away_cancels_the_call_at_the_server(house: Household) -> None:
    await house.open(hand=house.by_hand())
    calling = asyncio.create_task(house.call("hand__wait"))
    await eventually(lambda: "waiting" in house.calls())

    calling.cancel()

    with pytest.raises(asyncio.CancelledError):
        await calling
    await eventually(lambda: "cancelled" in house.calls())


async def test_many_calls_at_once_share_the_connection(house: Household) -> None:
    await house.open(hand=house.by_hand())

    results = await asyncio.gather(*(house.call("hand__echo", text=f"{number}") for number in range(50)))

    assert [answer(result) for result in results] == [f"{number}" for number in range(50)]
    assert len(house.pids()) == 1


async def test_a_server_that_asks_for_a_sample_is_told_no(house: Household) -> None:
    await house.open(hand=house.by_hand())

    assert "not supported" in str(answer(await house.call("hand__ask")))


async def test_an_answer_larger_than_it_may_be_is_an_error(house: Household) -> None:
    await house.open(hand=house.by_hand())

    assert refusal(await house.call("hand__long", size=4 * 1024 * 1024 + 1)) == "output_too_large"
    assert answer(await house.call("hand__long", size=1000)) == "x" * 1000


async def test_a_server_has_a_bare_environment_and_what_its_owner_gives_it(house: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_DATABASE_URL", "postgresql://somebody:password@db/weft")
    env = {"STATE": str(house.folder), "TOKEN": "Bearer ${secret.token}"}
    await house.open(hand=house.by_hand(env=env))

    found = json.loads(str(answer(await house.call("hand__environment"))))

    assert found["TOKEN"] == "Bearer s3cret-value"
    assert "WEFT_DATABASE_URL" not in found


async def test_a_secret_that_is_not_there_is_said_by_its_name(house: Household) -> None:
    await house.open(hand=house.by_hand(env={"TOKEN": "${secret.other}"}))

    assert (await house.health()).last_error == "there is no secret other for https://hand.mcp.invalid"


async def test_a_command_that_is_not_there_is_said(house: Household) -> None:
    await house.open(hand=ServerPart(command=("no-such-command-anywhere",)))

    health = await house.health()

    assert (health.state, health.tools) == ("down", ())
    assert "no-such-command-anywhere" in health.last_error


async def test_a_server_is_the_owners_unless_it_is_said_whose_else(house: Household) -> None:
    ways: dict[str, dict[str, object]] = {"mine": {}, "ours": {"tenants": ("default", "acme")}, "all": {"tenants": ("*",)}}
    servers = await house.open(**{name: house.by_hand(tools=("echo",), **told) for name, told in ways.items()})

    found = {tenant: sorted(servers.of(TenantId(tenant)).tools()) for tenant in ("default", "acme", "guest")}

    assert found == {
        "default": ["all__echo", "mine__echo", "ours__echo"],
        "acme": ["all__echo", "ours__echo"],
        "guest": ["all__echo"],
    }
    assert servers.of(TenantId("guest")).why_not("mine__other") == ""


async def test_what_is_made_of_servers_is_made_once_for_tenants_of_the_same(house: Household) -> None:
    servers = await house.open(hand=house.by_hand(tenants=("*",)))

    assert servers.of(TenantId("one")).tools() is servers.of(TenantId("two")).tools()


async def test_a_server_is_not_started_for_whom_it_is_not(house: Household) -> None:
    servers = house.made(hand=house.by_hand())

    await servers.of(TenantId("guest")).look()
    assert not (house.folder / "pids").exists()

    await servers.of(TenantId("default")).look()
    assert len(house.pids()) == 1
