"""What a model is told that writes workflows stays within bounds, however much is installed."""

from dataclasses import replace

from application.draft_guide import MOST_OF_KINDS, MOST_OF_MODELS, MOST_OF_TOOLS, guide
from application.drafting import without_fences
from domain.model import ModelCard
from tests.documents import OurKinds
from tests.fakes import TwoTools

KINDS = OurKinds().all()


def test_it_names_kinds_with_their_keys_tools_with_their_arguments_and_usable_models() -> None:
    cards = [ModelCard("parrot", "parrot", "fake"), ModelCard("far", "far", "x", usable=False)]
    told = guide(KINDS, TwoTools().list(), cards)

    assert "- llm: model* (string), prompt" in told
    assert "exactly one of prompt, messages" in told
    assert "- double(number (number)): Doubles a number." in told
    assert "Models: parrot\n" in told
    assert "model: parrot" in told


def test_thousands_of_tools_and_models_do_not_make_it_longer() -> None:
    tool = TwoTools().list()[0]
    tools = [replace(tool, name=f"tool{number}") for number in range(5_000)]
    cards = [ModelCard(f"model{number}", "x", "x") for number in range(5_000)]
    told = guide(KINDS, tools, cards)

    assert len(told) < len(guide(KINDS, [], [])) + MOST_OF_TOOLS + MOST_OF_MODELS + 100
    assert len(guide(KINDS, [], [])) < MOST_OF_KINDS + 6_000
    assert "tool0(" in told
    assert "tool4999(" not in told


def test_the_longest_block_between_fences_is_the_document() -> None:
    assert without_fences("weft: 1\n") == "weft: 1\n"
    assert without_fences("Look:\n```\nx\n```\nand\n```yaml\nweft: 1\nname: a\n```\nDone.") == "weft: 1\nname: a\n"
    assert without_fences("```yaml\nweft: 1\nname: a") == "weft: 1\nname: a"
