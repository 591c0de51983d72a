"""Usage as a table for spreadsheets, which run what looks like a formula."""

import csv
import io
from decimal import Decimal

import pytest

from application.usage_views import as_csv
from domain.tally import Aspect, Spent, Tally, attos_of


def cells_of(word: str) -> dict[str, str]:
    spent = Spent((word,), "USD", Tally(calls=1, prompt_tokens=12, attos=attos_of(Decimal("-0.50"))))
    (row,) = csv.DictReader(io.StringIO(as_csv([spent], [Aspect.MODEL]), newline=""))
    return row


@pytest.mark.parametrize("sign", [*"=+-@", *"＝＋－＠", *"﹦﹢﹣﹫"])  # noqa: RUF001 (the look-alikes are meant)
@pytest.mark.parametrize("before", ["", " ", "\t", "\r", "\n", "\x00", "\x1b", "\u3000", "\ufeff", "\u200b \t"], ids=repr)
def test_what_a_spreadsheet_would_run_is_text(before: str, sign: str) -> None:
    assert cells_of(f"{before}{sign}1+1")["model"] == f"'{before}{sign}1+1"


@pytest.mark.parametrize("word", ["\tfast", "\rfast", "\nfast"], ids=repr)
def test_a_cell_that_begins_with_a_tab_or_the_end_of_a_line_is_text(word: str) -> None:
    assert cells_of(word)["model"] == f"'{word}"


@pytest.mark.parametrize("word", ["fast", "", " ", "openai/gpt-4o-mini", "2026-05-04", "a=1", " fast", "\u200b"], ids=repr)
def test_other_words_stay_as_they_are(word: str) -> None:
    assert cells_of(word)["model"] == word


def test_numbers_stay_numbers() -> None:
    cells = cells_of("fast")

    assert (cells["prompt_tokens"], cells["cost"]) == ("12", "-0.5")
