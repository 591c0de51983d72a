"""The `llm` node and what may come back: tools asked for, answers that do not fit, and how often a model is shown them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from domain.errors import ModelError, NodeExecutionError
from domain.json import Json
from domain.model import FinishReason, ModelRequest, ModelResponse, OnText, ToolCall
from domain.usage import Usage
from infrastructure.nodes.answers import LONGEST_SHOWN
from tests.unit.infrastructure.kept import Kept
from tests.unit.infrastructure.test_node_kinds import KINDS, LABEL, SEARCH, USED, OneModel, awaited, built, context, node, workshop

GOOD, BAD = '{"label": "bug"}', '{"label": "billing"}'


@dataclass
class Talker(OneModel):
    """Says one thing after the other."""

    answers: Sequence[str | ModelError] = ()

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        said = self.answers[len(self.asked)]
        self.asked.append(request)
        if isinstance(said, ModelError):
            raise said
        return ModelResponse(said, "fast-1", FinishReason.STOP, USED, self.calls)


async def answered(models: OneModel, kept: Kept | None = None, **config: Json) -> Any:
    here = replace(context(), perform=(kept or Kept()).started())
    return await awaited(node("llm", model="fast", prompt="?", **config), workshop(models), here)


async def refused(models: OneModel, kept: Kept | None = None, **config: Json) -> Any:
    with pytest.raises((NodeExecutionError, ModelError)) as error:
        await answered(models, kept, **config)
    return error.value


async def test_an_answer_that_does_not_fit_is_shown_to_the_model_with_what_is_wrong() -> None:
    models, kept = Talker(answers=[BAD, GOOD]), Kept()

    finished = await answered(models, kept, response_schema=LABEL)

    assert (finished.output["json"], finished.output["repairs"]) == ({"label": "bug"}, 1)
    question, said, wrong = models.asked[1].messages
    assert (question["content"], said) == ("?", {"role": "assistant", "content": BAD})
    assert "/label" in str(wrong["content"])
    assert models.asked[1].caller.effect == 2  # type: ignore[union-attr]


async def test_each_call_is_charged_once_and_the_output_tells_of_all() -> None:
    kept = Kept()

    finished = await answered(Talker(answers=[BAD, GOOD]), kept, response_schema=LABEL)

    assert (finished.usage, kept.charged) == (None, [USED, USED])
    assert all(effect.reserve is not None for effect in kept.effects)
    assert (finished.output["usage"]["total_tokens"], finished.output["usage"]["cost"]["amount"]) == (30, "0.02")


def test_a_node_that_may_ask_again_keeps_each_call_by_itself_and_others_reserve_their_one() -> None:
    once, twice = built(node("llm", model="fast", prompt="?")), built(node("llm", model="fast", prompt="?", response_schema=LABEL))

    assert (once.performs, once.reserve is None) == (False, False)
    assert (twice.performs, twice.reserve is None) == (True, True)


async def test_what_never_fits_fails_with_the_last_answer_after_so_many_repairs() -> None:
    models = Talker(answers=["one", "two", "three", "four"])

    error = await refused(models, response_schema=LABEL, repair={"attempts": 2})

    assert (error.code, error.retryable, len(models.asked)) == ("invalid_output", True, 3)
    assert error.message.endswith("It answered: three")


async def test_the_answer_that_is_kept_is_bounded() -> None:
    error = await refused(OneModel("x" * 100_000), response_schema=LABEL, repair={"attempts": 0})

    assert len(error.message) < LONGEST_SHOWN + 200
    assert error.message.endswith("... (100,000 characters)")


async def test_a_repair_that_fails_is_charged_for_by_itself() -> None:
    kept, away = Kept(), ModelError("away", "model_unavailable", retryable=True)
    away.__dict__["usage"] = Usage("fast", 1, 0)

    error = await refused(Talker(answers=[BAD, away]), kept, response_schema=LABEL)

    assert (error.code, kept.charged) == ("model_unavailable", [USED, Usage("fast", 1, 0)])
    assert getattr(error, "usage", None) is None


async def test_after_a_crash_no_call_is_made_again() -> None:
    kept = Kept()
    await answered(Talker(answers=[BAD, GOOD]), kept, response_schema=LABEL)
    again = Talker(answers=[])

    finished = await answered(again, kept, response_schema=LABEL)

    assert (finished.output["json"], finished.output["repairs"], again.asked) == ({"label": "bug"}, 1, [])


async def test_what_did_not_fit_is_no_use_to_the_next_attempt() -> None:
    error = await refused(Talker(answers=[BAD, BAD]), response_schema=LABEL)

    assert error.anew


async def test_a_summary_is_kept_as_the_other_calls_are() -> None:
    kept, turns = Kept(), [{"role": "user", "content": "x" * 400}] * 4
    context_of: Json = {"max_tokens": 250, "policy": "summarise", "summary_tokens": 20}
    one = node("llm", model="fast", messages=turns, context=context_of, response_schema=LABEL)
    for answers in (["in short", GOOD], []):
        models = Talker(answers=answers)
        finished = await awaited(one, workshop(models), replace(context(), perform=kept.started()))

        assert isinstance(finished.output, dict)
        assert "in short" in str(finished.output["summary"])


def calls(*made: tuple[str, dict[str, Json]]) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(f"call_{number}", name, arguments) for number, (name, arguments) in enumerate(made))


FOUND: tuple[str, dict[str, Json]] = ("search", {"query": "x"})


async def test_the_model_is_told_of_the_tools_and_what_it_asks_is_in_the_output() -> None:
    models = OneModel(calls=calls(FOUND))

    finished = await answered(models, tools=["search"])

    about = {"name": "search", "description": "Finds", "parameters": SEARCH.parameters}
    assert models.asked[0].tools == models.asked[0].tools == ({"type": "function", "function": about},)
    assert finished.output["tool_calls"] == [{"id": "call_0", "name": "search", "arguments": {"query": "x"}}]


async def test_whoever_asks_for_tools_has_not_answered_yet() -> None:
    finished = await answered(OneModel("", calls=calls(FOUND)), tools=["search"], response_schema=LABEL)

    assert finished.output["json"] is None


@pytest.mark.parametrize(
    ("asked", "code", "because"),
    [
        pytest.param([("delete_all", {})], "model_garbage", "not offered: delete_all; offered: search", id="a tool that was not offered"),
        pytest.param([FOUND] * 10_000, "model_garbage", "10,000 tool calls at once, and 128", id="calls without end"),
        pytest.param([("search", {"q": 1})], "invalid_tool_call", "search: ", id="arguments that the tool does not take"),
        pytest.param([FOUND, ("search", {"query": 7})], "invalid_tool_call", "/query", id="one wrong call among good ones"),
    ],
)
async def test_what_the_model_may_not_ask_for_is_typed(asked: list[tuple[str, dict[str, Json]]], code: str, because: str) -> None:
    error = await refused(OneModel("", calls=calls(*asked)), tools=["search"], repair={"attempts": 0})

    assert (error.code, error.usage) == (code, USED)  # one call, which the node is charged for
    assert because in error.message
    assert len(error.message) < 3_000


async def test_a_wrong_tool_call_is_mended_and_calls_without_end_are_not() -> None:
    class Learner(OneModel):
        async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
            response = await super().complete(request, on_text)
            return replace(response, tool_calls=calls(("search", {} if len(self.asked) == 1 else {"query": "x"})))

    finished = await answered(Learner(), tools=["search"])
    assert (finished.output["repairs"], finished.output["tool_calls"][0]["arguments"]) == (1, {"query": "x"})

    endless = OneModel("", calls=calls(*[FOUND] * 129))
    await refused(endless, tools=["search"])
    assert len(endless.asked) == 1


def test_an_unknown_tool_is_refused_when_the_workflow_is_published() -> None:
    (problem,) = KINDS["llm"].inspect(node("llm", model="fast", prompt="?", tools=["search", "find"]), workshop()).problems

    assert (problem.pointer, problem.code) == ("/tools/1", "unknown_tool")
    assert "there is search" in problem.message


async def test_what_the_model_was_told_to_be_by_is_in_the_output() -> None:
    finished = await answered(OneModel(), temperature=0.2, seed=7)

    assert finished.output["parameters"] == {"temperature": 0.2, "max_tokens": None, "seed": 7}


@pytest.mark.parametrize(
    ("images", "parts"),
    [
        pytest.param("https://here/a.png", ["https://here/a.png"], id="one address"),
        pytest.param(
            ["data:image/png;base64,AA==", {"base64": "AA=="}], ["data:image/png;base64,AA==", None], id="data, and what was fetched"
        ),
        pytest.param([], [], id="none"),
    ],
)
async def test_images_go_with_the_prompt(images: Json, parts: list[str | None]) -> None:
    models = OneModel()

    await answered(models, images=images)

    content: Any = models.asked[0].messages[-1]["content"]
    urls = [part["image_url"]["url"] for part in content[1:]] if parts else []
    assert [url for url in urls if url.startswith("data:application/octet-stream")] == [
        "data:application/octet-stream;base64,AA=="
    ] * parts.count(None)
    assert [expected or url for expected, url in zip(parts, urls, strict=True)] == urls
    assert content == "?" if not parts else content[0] == {"type": "text", "text": "?"}


@pytest.mark.parametrize("images", ["file:///etc/passwd", 5, [{"url": "https://here"}], ["https://here/a.png"] * 21])
async def test_what_is_no_image_fails_the_node_before_anybody_is_asked(images: Json) -> None:
    models = OneModel()

    assert (await refused(models, images=images)).code == "invalid_images"
    assert models.asked == []
