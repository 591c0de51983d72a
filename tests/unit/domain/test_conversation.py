"""Long conversations: what is kept of them under a limit, and what a summary stands for."""

import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.conversation import SUMMARY_ID, DoesNotFit, Fitted, fitted, named, said, summarised, summary_of
from domain.json import JsonObject


def words(message: JsonObject) -> int:
    """A message costs its length."""
    return len(str(message["content"]))


def user(text: str, **members: bool) -> JsonObject:
    return {"role": "user", "content": text, **members}


def called(name: str) -> JsonObject:
    return {"role": "assistant", "content": "..", "tool_calls": [{"id": name, "type": "function", "function": {"name": "f"}}]}


def answered(name: str) -> JsonObject:
    return {"role": "tool", "content": "....", "tool_call_id": name}


SYSTEM: JsonObject = {"role": "system", "content": "be"}


def test_the_oldest_are_left_out_first() -> None:
    messages = [SYSTEM, user("aaaa"), user("bbbb"), user("cccc")]
    fit = fitted(messages, 10, words)
    assert fit.kept == (SYSTEM, messages[2], messages[3])
    assert fit.left_out == (messages[1],)
    assert fit.tokens == 10


def test_what_is_pinned_stays_where_it_was() -> None:
    messages = [user("aa", pinned=True), user("bbbb"), user("cc")]
    assert fitted(messages, 4, words).kept == (messages[0], messages[2])


def test_nothing_older_is_kept_behind_what_had_no_room() -> None:
    messages = [user("a"), user("b" * 9), user("c")]
    assert fitted(messages, 5, words).kept == (messages[2],)


def test_a_call_stays_with_its_results() -> None:
    messages = [user("a"), called("1"), answered("1"), user("b")]
    assert fitted(messages, 6, words).kept == (messages[3],)
    assert fitted(messages, 7, words).kept == tuple(messages[1:])


def test_a_result_that_must_stay_keeps_its_call() -> None:
    messages = [called("1"), called("2"), answered("2"), answered("1")]
    assert fitted(messages, 6, words).kept == (messages[0], messages[3])


def test_what_must_stay_and_has_no_room_is_said() -> None:
    with pytest.raises(DoesNotFit) as refused:
        fitted([SYSTEM, user("a" * 20)], 10, words)
    assert refused.value.tokens == 22


@st.composite
def conversations(draw: st.DrawFn) -> list[JsonObject]:
    """Calls come before their results, with anything between."""
    messages: list[JsonObject] = []
    open_calls: list[str] = []
    for number in range(draw(st.integers(1, 30))):
        kind = draw(st.sampled_from(["user", "user", "system", "call", "result"]))
        if kind == "result" and open_calls:
            messages.append(answered(open_calls.pop(draw(st.integers(0, len(open_calls) - 1)))))
        elif kind == "call":
            open_calls.append(str(number))
            messages.append(called(str(number)))
        elif kind == "system":
            messages.append({**SYSTEM, "n": number})
        else:
            messages.append({**user("x" * draw(st.integers(0, 9)), pinned=draw(st.integers(0, 9)) == 0), "n": number})
    return messages


def fitted_or_none(messages: Sequence[JsonObject], most: int, keep_last: int) -> Fitted | None:
    """None when what must stay is too much, and says so."""
    try:
        return fitted(messages, most, words, keep_last)
    except DoesNotFit as error:
        if error.tokens <= most:
            raise
        return None


def pairs(messages: Sequence[JsonObject]) -> tuple[set[object], set[object]]:
    calls = {call["id"] for message in messages for call in message.get("tool_calls", ())}  # type: ignore[union-attr, index, call-overload]
    return calls, {message["tool_call_id"] for message in messages if message["role"] == "tool"}


@given(conversations(), st.integers(0, 120), st.integers(1, 5))
def test_what_is_kept_fits_in_its_order_with_pairs_whole(messages: list[JsonObject], most: int, keep_last: int) -> None:
    fit = fitted_or_none(messages, most, keep_last)
    if fit is None:
        return
    assert fit.tokens == sum(map(words, fit.kept)) <= most
    assert sorted(map(messages.index, [*fit.kept, *fit.left_out])) == [messages.index(message) for message in messages]
    assert [messages.index(message) for message in fit.kept] == sorted(map(messages.index, fit.kept))
    assert all(message.get("pinned") is not True and message["role"] != "system" for message in fit.left_out)
    assert all(message in fit.kept for message in messages[-keep_last:])
    kept_calls, kept_results = pairs(fit.kept)
    lost_calls, lost_results = pairs(fit.left_out)
    assert not kept_calls & lost_results
    assert not kept_results & lost_calls
    assert fitted(fit.kept, most, words, keep_last).kept == fit.kept


def test_a_summary_stands_for_what_it_covers() -> None:
    summary = summary_of("we met", 2)
    messages = [user("a"), user("b", pinned=True), user("c"), summary]
    found = summarised(messages)
    assert found.summary == summary
    assert found.rest == (messages[1], messages[2])


def test_without_a_summary_everything_is_left() -> None:
    assert summarised([SYSTEM, user("a")]).rest == (SYSTEM, user("a"))


def test_messages_get_names_once_and_keep_the_ones_they_have() -> None:
    assert named([user("a"), {"id": "x", "role": "user", "content": "b"}], "/n#1@3") == [
        {"role": "user", "content": "a", "id": "/n#1@3/0"},
        {"id": "x", "role": "user", "content": "b"},
    ]


def test_a_provider_is_not_told_what_is_ours() -> None:
    assert said(summary_of("we met", 2)) == {"role": "system", "content": "What was said before, in short: we met"}
    assert summary_of("we met", 2)["id"] == SUMMARY_ID


def test_a_hundred_thousand_messages_are_one_pass() -> None:
    """Not a clock's affair: each message is counted once."""
    counted = 0

    def count(message: JsonObject) -> int:
        nonlocal counted
        counted += 1
        return 10

    began = time.process_time()
    fit = fitted([user("x")] * 100_000, 1_000_000 // 2, count)
    assert counted == 100_000
    assert len(fit.kept) == 50_000
    assert time.process_time() - began < 30  # a square of that number would take hours
