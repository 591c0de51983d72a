"""The offline model: rules, the built-in models, streaming, tokens, cost, failures."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import FactoryError, ModelError, ModelNotFound
from domain.json import Json, JsonObject
from domain.model import FinishReason, ModelRequest, ModelResponse
from domain.usage import Usage
from infrastructure.models.prices import Counted
from infrastructure.models.question import MARK
from infrastructure.models.scripted import PRICE, ScriptedModels
from infrastructure.models.tokens import tokens_in

TRIAGE = "Classify this support ticket into billing, bug or other.\n\nTicket:\n"
CRITIC = "You are a critic. Say APPROVED, or REVISE: and what is missing.\n\nRound {number} of the text:\nRain is wet."
CHAPTERS = "\n\n".join(f"Chapter {n} tells what the number {n} is good for. It goes on for a while after that." for n in range(1, 9))


def request(text: str, *, name: str = "rules", options: dict[str, Json] | None = None, **more: Any) -> ModelRequest:
    return ModelRequest(f"scripted/{name}", ({"role": "user", "content": text},), options=options or {}, **more)


async def ask(text: str, **more: Any) -> ModelResponse:
    return await ScriptedModels().complete(request(text, **more))


async def failure_of(text: str, **more: Any) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await ask(text, **more)
    return caught.value


@pytest.mark.parametrize(
    ("rule", "text", "holds"),
    [
        pytest.param({"when": "Refund"}, "I want a REFUND", True, id="a text in any case"),
        pytest.param({"when": "refund"}, "I want a bill", False, id="a text that is not there"),
        pytest.param({"matches": r"round [12]\b"}, "this is round 2", True, id="an expression"),
        pytest.param({"matches": r"round [12]\b"}, "this is round 12", False, id="an expression that does not match"),
        pytest.param({"when": "round", "matches": "9"}, "round 2", False, id="both must hold"),
        pytest.param({}, "anything", True, id="a rule without conditions"),
    ],
)
async def test_a_rule_answers_when_it_holds(rule: dict[str, Json], text: str, holds: bool) -> None:
    response = await ask(text, options={"rules": [{**rule, "answer": "yes"}], "otherwise": "no"})

    assert response.text == ("yes" if holds else "no")


async def test_the_first_rule_that_holds_answers() -> None:
    assert (await ask("a b", options={"rules": [{"when": "b", "answer": "first"}, {"when": "a", "answer": "second"}]})).text == "first"


async def test_a_rule_looks_at_the_last_message_unless_told_otherwise() -> None:
    messages = ({"role": "system", "content": "be kind"}, {"role": "user", "content": "hello"})
    rules: list[Json] = [{"when": "be kind", "answer": "last"}, {"when": "be kind", "in": "all", "answer": "all"}]

    response = await ScriptedModels().complete(ModelRequest("scripted/rules", messages, options={"rules": rules}))

    assert response.text == "all"


CALLED: JsonObject = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
ASKED: tuple[JsonObject, ...] = (
    {"role": "system", "content": "You lead."},
    {"role": "user", "content": "Go."},
    {"role": "assistant", "content": None, "tool_calls": [CALLED]},
    {"role": "tool", "tool_call_id": "c", "content": "found"},
)


@pytest.mark.parametrize(
    ("rule", "messages", "holds"),
    [
        pytest.param({"turn": 1}, ASKED[:2], True, id="the first turn"),
        pytest.param({"turn": 2}, ASKED, True, id="the second turn"),
        pytest.param({"turn": 1}, ASKED, False, id="a turn that is over"),
        pytest.param({"after": "look"}, ASKED, True, id="after a tool"),
        pytest.param({"after": "pay"}, ASKED, False, id="after another tool"),
        pytest.param({"after": "look"}, ASKED[:2], False, id="before the tool"),
        pytest.param({"in": "system", "when": "lead"}, ASKED, True, id="instructions"),
        pytest.param({"in": "system", "when": "go"}, ASKED, False, id="no instructions"),
        pytest.param({"after": "look", "turn": 3}, ASKED, False, id="both must hold"),
    ],
)
async def test_a_rule_may_look_at_the_turn_the_tool_and_the_instructions(rule: Any, messages: Any, holds: bool) -> None:
    options: JsonObject = {"rules": [{**rule, "answer": "yes"}], "otherwise": "no"}

    assert (await ScriptedModels().complete(ModelRequest("scripted/rules", messages, options=options))).text == ("yes" if holds else "no")


async def test_after_a_tools_result_another_rule_answers() -> None:
    rules: list[Json] = [
        {"when": "14", "answer": "It is 14."},
        {"tool_calls": [{"name": "calculator", "arguments": {"expression": "2*7"}}]},
    ]
    model, asked = ScriptedModels(), request("2*7?", options={"rules": rules})

    first = await model.complete(asked)
    told = {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "14"}
    second = await model.complete(ModelRequest(asked.model, (*asked.messages, told), options=asked.options))

    assert (first.finish_reason, first.tool_calls[0].arguments) == (FinishReason.TOOL_CALLS, {"expression": "2*7"})
    assert (second.finish_reason, second.text) == (FinishReason.STOP, "It is 14.")


async def test_a_script_of_the_file_has_a_name_and_options_go_before_it(tmp_path: Path) -> None:
    file = tmp_path / "scripts.yaml"
    file.write_text("greeter: {rules: [{when: hello, answer: from the file}], otherwise: {use: echo}}")
    model = ScriptedModels(file)

    alone = await model.complete(request("hello", name="greeter"))
    overruled = await model.complete(request("hello", name="greeter", options={"rules": [{"when": "hello", "answer": "from the node"}]}))

    assert (alone.text, alone.model, overruled.text) == ("from the file", "scripted/greeter", "from the node")
    assert "scripted/greeter" in model.names


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("a: {rulez: []}", "a.rulez", id="an unknown key"),
        pytest.param("a: {rules: [{matches: '('}]}", "a.rules.0.matches", id="an expression that does not compile"),
        pytest.param("a: [", "scripts.yaml", id="no YAML"),
        pytest.param(None, "No such file", id="no file"),
    ],
)
def test_a_scripts_file_that_cannot_be_used_stops_the_start_and_says_where(tmp_path: Path, content: str | None, words: str) -> None:
    file = tmp_path / "scripts.yaml"
    if content is not None:
        file.write_text(content)

    with pytest.raises(FactoryError, match=f"WEFT_SCRIPTS: .*{words}"):
        ScriptedModels(file)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"rulez": []}, "rulez", id="an unknown key"),
        pytest.param({"rules": [{"fail": {"code": "nonsense"}}]}, "model_rate_limited", id="a code that models do not have"),
        pytest.param({"rules": [{"delay_seconds": -1}]}, "delay_seconds", id="a negative delay"),
        pytest.param({"rules": [{"matches": "(?=x)"}]}, "linear", id="an expression that may take forever"),
        pytest.param({"otherwise": {"use": "nobody"}}, "nobody", id="an unknown built-in model"),
    ],
)
async def test_options_that_are_no_script_say_where(options: dict[str, Json], words: str) -> None:
    error = await failure_of("x", options=options)

    assert error.code == "model_bad_request"
    assert words in error.message


async def test_an_expression_cannot_keep_it_busy() -> None:
    loop = asyncio.get_running_loop()
    before = loop.time()

    await ask("a" * 100_000 + "!", options={"rules": [{"matches": "(a+)+$", "answer": "no"}], "otherwise": "yes"})

    assert loop.time() - before < 1


async def test_an_unknown_name_names_the_known_ones() -> None:
    with pytest.raises(ModelNotFound, match="scripted/echo"):
        await ask("x", name="nobody")


@pytest.mark.parametrize(
    ("ticket", "label"),
    [
        pytest.param("You charged my card twice, I want a refund.", "billing", id="money"),
        pytest.param("The export crashes with an error since Monday.", "bug", id="a crash"),
        pytest.param("Do you have an office in Lisbon?", "other", id="neither"),
        pytest.param("This is not a bug: the invoice shows a payment I never made.", "billing", id="more words for one than for the other"),
    ],
)
@pytest.mark.parametrize("name", ["classify", "assistant"])
async def test_a_ticket_is_classified_as_text_and_by_schema(ticket: str, label: str, name: str) -> None:
    schema: Json = {"type": "object", "properties": {"label": {"enum": ["billing", "bug", "other"]}, "reason": {"type": "string"}}}

    plain = await ask(TRIAGE + ticket, name=name)
    structured = await ask(TRIAGE + ticket, name=name, response_schema=schema)

    assert plain.text == label
    assert isinstance(structured.json, dict)
    assert structured.json["label"] == label
    assert str(structured.json["reason"]).startswith(MARK)


async def test_a_script_may_bring_words_for_its_labels() -> None:
    response = await ask(
        "Choose one of: red, blue.\n\nText:\nThe sea.", name="classify", options={"keywords": {"blue": ["sea"], "red": ["fire"]}}
    )

    assert response.text == "blue"


async def test_a_reply_to_a_customer_is_made_of_the_notes() -> None:
    prompt = "Write a reply to the customer.\n\nTicket:\nMy card was charged twice.\n\nNotes:\nDouble charges are returned in three days."

    response = await ask(prompt, name="assistant")

    assert response.text.startswith(f"{MARK} Hello")
    assert "returned in three days" in response.text


async def test_chapters_are_summarised_by_sentences_from_all_over() -> None:
    response = await ask(f"Summarise this text:\n\n{CHAPTERS}", name="assistant")

    assert response.text.startswith(f"{MARK} Chapter 1 tells")
    assert "Chapter 8" in response.text
    assert "goes on" not in response.text


async def test_summaries_of_summaries_are_marked_once() -> None:
    first = await ask(f"Summarise this text:\n\n{CHAPTERS}", name="summary")

    second = await ask(f"Make a digest of these summaries:\n\n- {first.text}\n- {first.text}", name="assistant")

    assert second.text.count(MARK) == 1
    assert "Chapter 1" in second.text


async def test_a_critic_is_satisfied_in_the_third_round() -> None:
    verdicts = [(await ask(CRITIC.format(number=number), name="assistant")).text for number in (1, 2, 3)]

    assert [verdict.partition(":")[0] for verdict in verdicts] == ["REVISE", "REVISE", "APPROVED"]
    assert verdicts[0] != verdicts[1]
    assert verdicts[2] == "APPROVED"


async def test_a_draft_takes_up_what_the_critic_wished() -> None:
    response = await ask("Write a short text about rain in the city.\n\nCritique: REVISE: name a figure.", name="assistant")

    assert response.text.startswith(f"{MARK} rain in the city.")
    assert response.text.endswith("New in this version: name a figure.")


async def test_an_echo_has_a_digest_of_what_was_said() -> None:
    one, same, other = [(await ask(text, name="echo")).text for text in ("hello there", "hello there", "hello you")]

    assert one.startswith(f"{MARK} You said, in 2 words: hello there (")
    assert one == same != other


async def test_a_schema_is_filled_in_whatever_its_shape() -> None:
    item: Json = {"type": "object", "properties": {"round": {"type": "integer"}, "approved": {"type": "boolean"}, "kind": {"const": "x"}}}
    schema: Json = {
        "type": "object",
        "properties": {"items": {"type": "array", "items": {"$ref": "#/$defs/item"}, "minItems": 2}},
        "$defs": {"item": item},
    }

    response = await ask("Round 3", name="assistant", response_schema=schema)

    assert response.json == {"items": [{"round": 3, "approved": True, "kind": "x"}] * 2}


async def test_words_stream_one_by_one_with_the_pauses_of_the_rule() -> None:
    pauses: list[float] = []
    pieces: list[str] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    rule: Json = {"answer": "one two three", "delay_seconds": 2, "chunk_seconds": 0.5}
    response = await ScriptedModels(sleep=sleep).complete(request("x", options={"rules": [rule]}), pieces.append)

    assert pieces == ["one ", "two ", "three"]
    assert pauses == [2, 0.5, 0.5]
    assert response.text == "one two three"


async def test_the_answer_and_its_price_follow_from_the_tokens() -> None:
    response = await ask("12345678", options={"rules": [{"answer": "123456789"}]})

    assert response.usage == Usage("scripted/rules", 4 + 2, 3, PRICE.cost(Counted(6, 3)))
    assert response.usage.cost is not None
    assert response.usage.cost.amount == Decimal("0.0000027")


@pytest.mark.parametrize(
    ("limits", "text", "finish"),
    [
        pytest.param({"max_tokens": 2}, "one two ", FinishReason.LENGTH, id="so many tokens at most"),
        pytest.param({"stop": ("three",)}, "one two ", FinishReason.STOP, id="up to a stop text"),
        pytest.param({"max_tokens": 100}, "one two three four", FinishReason.STOP, id="a limit that is not reached"),
    ],
)
async def test_an_answer_ends_where_it_was_told_to(limits: dict[str, Any], text: str, finish: FinishReason) -> None:
    response = await ask("x", options={"otherwise": "one two three four"}, **limits)

    assert (response.text, response.finish_reason) == (text, finish)


async def test_a_rate_limit_says_when_to_come_back_and_costs_nothing() -> None:
    error = await failure_of("x", options={"rules": [{"rate_limited": {"retry_after": 7}}]})

    assert (error.code, error.retryable, error.retry_after) == ("model_rate_limited", True, 7)
    assert not hasattr(error, "usage")


async def test_a_failure_after_some_words_says_what_they_cost() -> None:
    pieces: list[str] = []
    asked = request("x", options={"rules": [{"answer": "one two three", "fail": {"code": "model_stream_cut", "after_chunks": 2}}]})

    with pytest.raises(ModelError) as caught:
        await ScriptedModels().complete(asked, pieces.append)

    assert pieces == ["one ", "two "]
    assert caught.value.code == "model_stream_cut"
    assert getattr(caught.value, "usage", None) == Usage("scripted/rules", 5, 2, PRICE.cost(Counted(5, 2)))


async def test_a_slow_model_fails_at_its_deadline() -> None:
    error = await failure_of("x", options={"rules": [{"delay_seconds": 3600}]}, timeout_seconds=0.01)

    assert (error.code, error.retryable) == ("model_timeout", True)


async def test_a_cancelled_call_says_what_it_used() -> None:
    spoke = asyncio.Event()
    asked = request("x", options={"rules": [{"answer": "one two", "chunk_seconds": 3600}]})

    call = asyncio.create_task(ScriptedModels().complete(asked, lambda _: spoke.set()))
    await spoke.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await call

    assert getattr(caught.value, "usage", None) == Usage("scripted/rules", 5, 1, PRICE.cost(Counted(5, 1)))


@given(st.text(max_size=300), st.sampled_from(["assistant", "classify", "critic", "draft", "echo", "reply", "rules", "summary"]))
def test_whatever_is_said_there_is_an_answer_the_same_twice_and_its_pieces_make_it(text: str, name: str) -> None:
    pieces: list[str] = []

    once = asyncio.run(ScriptedModels().complete(request(text, name=name), pieces.append))
    again = asyncio.run(ScriptedModels().complete(request(text, name=name)))

    assert once == again
    assert "".join(pieces) == once.text
    assert once.text
    assert once.usage.completion_tokens == tokens_in(once.text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("<a>\n" * 50_000, id="tags without an end"),
        pytest.param("\n" * 200_000, id="empty lines"),
        pytest.param("into " + "a, " * 60_000, id="a long list of labels"),
        pytest.param("a:" * 100_000, id="colons"),
        pytest.param("round " * 50_000, id="rounds without numbers"),
        pytest.param(". )" * 60_000, id="ends of sentences"),
        pytest.param("```\n" * 50_000, id="fences"),
    ],
)
@pytest.mark.parametrize("name", ["assistant", "classify", "summary", "draft", "reply", "critic"])
async def test_a_long_hostile_prompt_is_read_in_no_time(text: str, name: str) -> None:
    loop = asyncio.get_running_loop()
    before = loop.time()

    await ask(text, name=name, max_tokens=10)

    assert loop.time() - before < 1
