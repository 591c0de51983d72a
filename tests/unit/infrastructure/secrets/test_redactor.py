"""What was given out comes back in many spellings; none of them passes. Spelled here by the standard library, which shares nothing with
what looks for them."""

import html
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from threading import get_ident
from time import process_time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ids import DEFAULT_TENANT, TenantId
from domain.json import Json
from infrastructure.secrets.redacted import LARGE, redacted, redacted_aside
from infrastructure.secrets.redactor import MOST_VALUES, Redactor

TOKEN = "ghp_9f8sT2kLqWv0ZxY7bN3mR6uEjHc1aDoPi4Gt"
AWKWARD = "p/a+s s\"w\\o'rd&<é€𝄞>%2B\t="
KEY = "-----BEGIN-----\nq83vEjRWeJA/+zd=\nsecond line+/\n-----END-----"
SECRETS = [pytest.param(TOKEN, id="a token"), pytest.param(AWKWARD, id="signs of all kinds"), pytest.param(KEY, id="several lines")]


def percent(text: str) -> str:
    """With small letters after each `%`."""
    return "%".join([part if at == 0 else part[:2].lower() + part[2:] for at, part in enumerate(quote(text, safe="").split("%"))])


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in a URL": lambda text: quote(text, safe=""),
    "in a URL, in small letters": percent,
    "in a path": quote,
    "in a path as our door writes it": lambda text: quote(text, safe="/%:@!$&'()*+,;=~"),
    "in a form": quote_plus,
    "in a URL in a URL": lambda text: quote(quote(text, safe=""), safe=""),
    "in JSON": lambda text: json.dumps(text)[1:-1],
    "in JSON with its letters": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "in JSON as PHP writes it": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "in JSON in JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "in HTML": html.escape,
    "in Base64": lambda text: b64encode(text.encode()).decode(),
    "in Base64 for URLs": lambda text: urlsafe_b64encode(text.encode()).decode(),
    "in Base64 without its end": lambda text: b64encode(text.encode()).decode().rstrip("="),
    "in Base64 in a URL": lambda text: quote(b64encode(text.encode()).decode(), safe=""),
    "in hexadecimal": lambda text: text.encode().hex(),
    "in HEXADECIMAL": lambda text: text.encode().hex().upper(),
    "as Python shows text": lambda text: repr(text)[1:-1],
}
SPELLED = [pytest.param(spell, id=name) for name, spell in SPELLINGS.items()]


def knowing(**values: str) -> Redactor:
    redactor = Redactor()
    for name, value in values.items():
        assert redactor.remember(name, value)
    return redactor


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("spell", SPELLED)
def test_a_secret_in_any_spelling_becomes_its_name(spell: Callable[[str], str], secret: str) -> None:
    redact = knowing(github=secret)

    assert redact(f"before, {spell(secret)}, after") == "before, [secret github], after"
    assert redact(spell(secret)) == "[secret github]"


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
@pytest.mark.parametrize("before", [b"", b"u", b"us", b"user:", b"somebody:"])
@pytest.mark.parametrize("after", [b"", b";", b"; more", b"; and more"])
def test_no_bits_of_a_secret_stay_in_a_longer_text_in_base64(
    secret: str, encode: Callable[[bytes], bytes], before: bytes, after: bytes
) -> None:
    whole = encode(before + secret.encode() + after).decode()
    begins, ends = len(before) * 8 // 6, -(-(len(before) + len(secret.encode())) * 8 // 6)

    rest = whole[ends:].rstrip("=")

    assert knowing(pw=secret)(f"Basic {whole}").rstrip("=") == f"Basic {whole[:begins]}[secret pw]{rest}"


@given(st.text(min_size=8, max_size=40), st.sampled_from(sorted(SPELLINGS)), st.text(max_size=20), st.text(max_size=20))
@settings(max_examples=300, deadline=None)
def test_whatever_a_secret_is_made_of_no_spelling_passes(secret: str, spelling: str, before: str, after: str) -> None:
    spelled = SPELLINGS[spelling](secret)

    shown = knowing(x=secret)(f"{before}\n{spelled}\n{after}")

    assert spelled not in shown.replace("[secret x]", "\0")


@pytest.mark.parametrize("after", ["", "...", " ...", "\u2026"])
def test_what_is_left_of_a_secret_that_was_cut_off_goes_from_logs_too(after: str) -> None:
    redact = knowing(github=TOKEN).in_log

    for kept in range(8, len(TOKEN)):
        assert redact(f"it said: {TOKEN[:kept]}{after}") == f"it said: [secret github]{after}"


@pytest.mark.parametrize("spell", SPELLED)
def test_nobody_finds_a_secret_by_guessing_it_character_by_character(spell: Callable[[str], str]) -> None:
    redactor = knowing(github=TOKEN)
    spelled = spell(TOKEN)
    guesses = [spelled[:length] for length in range(len(spelled) - 8)]

    for redact in (redactor, redactor.nameless, redactor.for_tenant(DEFAULT_TENANT)):
        assert redacted(guesses, redact) == guesses


def test_who_may_not_use_a_secret_does_not_learn_its_name() -> None:
    redactor = Redactor()
    redactor.remember("github", TOKEN, (TenantId("acme"),))

    assert redactor.for_tenant(TenantId("acme"))(TOKEN) == "[secret github]"
    assert redactor.for_tenant(DEFAULT_TENANT)(TOKEN) == "[secret]"
    assert redactor.nameless(TOKEN) == "[secret]"


def test_the_end_of_a_word_is_no_secret_that_was_cut_off() -> None:
    redact = knowing(a="password-of-the-database").in_log

    assert redact("give a password of the base...") == "give a password of the base..."


def test_texts_without_a_secret_stay_what_they_are() -> None:
    redact = knowing(github=TOKEN, awkward=AWKWARD)
    text = f"{TOKEN[:-1]}X and {TOKEN[1:]} and %2B \\ &amp; {b64encode(b'nothing').decode()}"

    assert redact(text) == text


def test_a_secret_within_a_secret_is_no_leftover() -> None:
    redact = knowing(inner="abcdefgh", outer="abcdefgh-and-more")

    assert redact("abcdefgh-and-more, abcdefgh") == "[secret outer], [secret inner]"


def test_what_is_too_short_is_not_remembered() -> None:
    redactor = Redactor()

    assert not redactor.remember("pin", "1234567")
    assert redactor("1234567") == "1234567"


def test_a_secret_that_was_exchanged_is_still_known() -> None:
    values = [f"value-number-{number:04}" for number in range(MOST_VALUES + 1)]
    redactor = Redactor()
    for value in values:
        redactor.remember("token", value)

    shown = [redactor(value) for value in values]

    assert shown == [values[0]] + ["[secret token]"] * MOST_VALUES


@pytest.mark.parametrize("filler", ["\\", "%", "%25", "&#", TOKEN[:-1], "\\u0"])
def test_no_text_makes_the_search_long(filler: str) -> None:
    redact = knowing(awkward=r"a\\\\\\%%%%&&&&\\\\b", github=TOKEN)
    text = f"a{filler * (1_000_000 // len(filler))}b"
    began = process_time()

    redact(text)

    assert process_time() - began < 2.0


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        pytest.param({"a": [TOKEN, 1, None, True]}, {"a": ["[secret github]", 1, None, True]}, id="deep in lists"),
        pytest.param({TOKEN: {"b": f"x {TOKEN}"}}, {"[secret github]": {"b": "x [secret github]"}}, id="in names of members"),
        pytest.param(f"token {TOKEN}", "token [secret github]", id="a text alone"),
        pytest.param(1.5, 1.5, id="a number"),
    ],
)
def test_json_is_looked_through(output: Json, shown: Json) -> None:
    assert redacted(output, knowing(github=TOKEN)) == shown


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        pytest.param(["a\0b", TOKEN], ["a\0b", "[secret github]"], id="NUL in a text"),
        pytest.param(["one\0", "two", TOKEN], ["one\0", "two", "[secret github]"], id="NUL at its end"),
        pytest.param(["nul-and", "more", TOKEN], ["nul-and", "more", "[secret github]"], id="a secret over two texts"),
        pytest.param(["x\0y nul-and", "more", "nul-and\0more"], ["x\0y nul-and", "more", "[secret nul]"], id="both"),
    ],
)
def test_texts_are_told_apart_whatever_is_in_them(output: Json, shown: Json) -> None:
    assert redacted(output, knowing(github=TOKEN, nul="nul-and\0more")) == shown


@pytest.mark.parametrize(("secret", "shown"), [("nowhere", "row 7"), ("row 7", "[secret]")])
def test_many_small_texts_are_asked_about_once(secret: str, shown: str) -> None:
    asked: list[str] = []

    def redact(text: str) -> str:
        asked.append(text)
        return text.replace(secret, "[secret]")

    rows: list[Json] = [{"name": f"row {number}"} for number in range(10)]

    assert redacted(rows, redact) == [*rows[:7], {"name": shown}, *rows[8:]]
    assert len(asked) == 1


@pytest.mark.parametrize(("size", "elsewhere"), [(LARGE + 1, True), (LARGE, False)])
async def test_a_large_value_holds_up_nobody(size: int, elsewhere: bool) -> None:
    threads: list[int] = []

    def redact(text: str) -> str:
        threads.append(get_ident())
        return text

    await redacted_aside({"": ["x" * size]}, redact)

    assert (threads != [get_ident()]) is elsewhere
