"""Where an agent is stopped."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import LimitReached, NodeExecutionError
from domain.usage import Money, Usage, UsageTotal, total
from tests.unit.infrastructure.agents.stage import calls, says, table

LOOK_A = ("look", {"word": "a"})


def wandering(request: Any) -> Any:
    return calls(("look", {"word": str(len(request.messages))}), text="Hm.")


async def test_an_agent_that_is_not_done_in_its_turns_fails() -> None:
    played = table(wandering)
    with pytest.raises(LimitReached, match="`max_turns` is 3") as raised:
        await played.play(tools=["look"], max_turns=3)

    assert (raised.value.code, len(played.player.asked), len(played.tools.seen)) == ("limit_turns", 3, 3)


async def test_or_it_finishes_with_what_there_is_and_says_what_stopped_it() -> None:
    output = await table(wandering).play(tools=["look"], max_turns=3, on_limit="stop")

    assert (output["text"], output["turns"], output["stopped_by"]) == ("Hm.", 3, "limit_turns")
    assert len(output["messages"]) == 7


@pytest.mark.parametrize(("most", "turns"), [("0.05", 5), (0.05, 5), ("0.049", 4), (1, 10)])
async def test_no_call_is_made_that_could_cost_more_than_is_left(most: Any, turns: int) -> None:
    played = table(wandering)
    output = await played.play(tools=["look"], max_cost_usd=most, on_limit="stop")

    assert (output["turns"], len(played.player.asked)) == (turns, turns)
    assert output["stopped_by"] == ("limit_cost" if turns < 10 else "limit_turns")


async def test_an_agent_out_of_money_fails_and_says_how_much_is_left() -> None:
    with pytest.raises(LimitReached, match=r"may cost 0\.01 USD, and 0\.005 of `max_cost_usd` \(0\.025\) is left") as raised:
        await table(wandering).play(tools=["look"], max_cost_usd="0.025")

    assert raised.value.code == "limit_cost"


async def test_under_a_limit_of_money_a_model_without_a_price_is_refused() -> None:
    played = table(says("done"))
    played.player.at_most_cost = None
    with pytest.raises(NodeExecutionError, match="set its price") as raised:
        await played.play(max_cost_usd="1")

    assert (raised.value.code, played.player.asked) == ("price_unknown", [])
    assert (await played.play())["text"] == "done"


async def test_a_call_whose_price_nobody_told_counts_as_what_was_reserved_for_it() -> None:
    def unpriced(request: Any) -> Any:
        return replace(wandering(request), usage=Usage("m", 1, 1))

    output = await table(unpriced).play(tools=["look"], max_cost_usd="0.03", on_limit="stop")

    assert (output["turns"], output["stopped_by"]) == (3, "limit_cost")


async def test_what_a_tool_costs_counts_too() -> None:
    played = table(calls(("dear", {"word": "a"}), ("dear", {"word": "b"})), says("done"))
    output = await played.play(tools=["dear"], max_cost_usd="0.90")

    assert [word for _, word in played.tools.seen] == ["a"]
    assert "it costs 0.50 USD, and 0.39 is left" in played.heard[1]
    assert output["usage"]["cost"] == {"amount": "0.52", "currency": "USD"}


async def test_the_usage_of_the_output_is_that_of_its_calls() -> None:
    played = table(calls(LOOK_A), calls(("dear", {"word": "a"})), says("done"))
    output = await played.play(tools=["dear", "look"])
    used: UsageTotal = total(played.journal.used)

    assert output["usage"] == {
        "prompt_tokens": used.prompt_tokens,
        "completion_tokens": used.completion_tokens,
        "total_tokens": used.total_tokens,
        "calls": used.calls,
        "cost": {"amount": str(used.cost.amount), "currency": "USD"},
    }


async def test_a_call_that_is_repeated_is_first_refused_and_then_the_end() -> None:
    played = table(calls(LOOK_A))
    with pytest.raises(NodeExecutionError, match="look with the same arguments 4 times in a row") as raised:
        await played.play(tools=["look"])

    assert raised.value.code == "tool_loop"
    assert played.tools.seen == [("look", "a")] * 2
    assert played.heard[-1].startswith("not called: this is call 3 in a row")


async def test_an_agent_that_heeds_what_it_is_told_goes_on() -> None:
    output = await table(calls(LOOK_A), calls(LOOK_A), calls(LOOK_A), says("enough")).play(tools=["look"])

    assert (output["text"], output["turns"]) == ("enough", 4)


async def test_a_call_is_not_repeated_when_there_was_a_turn_without_it() -> None:
    played = table(*[calls(("look", {"word": word})) for word in "aabaabaa"], says("done"))
    await played.play(tools=["look"])

    assert "".join(word for _, word in played.tools.seen) == "aabaabaa"


async def test_a_call_beside_another_one_is_repeated_all_the_same() -> None:
    def both(request: Any) -> Any:
        return calls(LOOK_A, ("look", {"word": str(len(request.messages))}))

    played = table(both)
    with pytest.raises(NodeExecutionError, match="4 times in a row"):
        await played.play(tools=["look"])

    assert played.tools.seen.count(("look", "a")) == 2


async def test_the_limit_of_money_counts_the_models_that_were_asked_in_vain() -> None:
    in_vain = Usage("other", 7, 0, Money(Decimal("0.05")))
    said = calls(LOOK_A)
    played = table(replace(said, usage=replace(said.usage, earlier=(in_vain,))), says("done"))
    output = await played.play(tools=["look"], max_cost_usd="0.065", on_limit="stop")

    assert (output["stopped_by"], output["usage"]["cost"]["amount"], output["usage"]["calls"]) == ("limit_cost", "0.06", 2)


async def test_a_cheaper_model_is_asked_the_same_and_goes_the_same_way_when_it_is_played_back() -> None:
    played = table(calls(LOOK_A), says("enough"))
    played.journal.instead = "careful"
    first = await played.play(tools=["look"], max_cost_usd="1")
    assert [request.model for request in played.player.asked] == ["careful", "careful"]
    played.journal.instead = ""

    assert await played.play(tools=["look"], max_cost_usd="1") == first
    assert len(played.player.asked) == 2


async def test_a_tool_with_a_price_says_beforehand_what_it_will_use() -> None:
    played = table(calls(("dear", {"word": "a"}), LOOK_A), says("enough"))
    await played.play(tools=["dear", "look"], max_cost_usd="1")

    reserved = {effect.name: effect.reserve for effect, _ in played.journal.kept.values() if effect.kind == "tool"}
    assert reserved == {"dear": Usage("tool/dear", 0, 0, Money(Decimal("0.50"))), "look": None}
