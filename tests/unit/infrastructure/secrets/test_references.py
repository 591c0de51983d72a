"""`${secret.NAME}` in a text."""

import pytest

from domain.errors import ValidationError
from infrastructure.secrets.references import filled, names_in

VALUES = {"a": "value of a", "b_2": "${secret.a}"}


@pytest.mark.parametrize(
    ("text", "names", "result"),
    [
        pytest.param("no secret", (), "no secret", id="a text without one"),
        pytest.param("${secret.a}", ("a",), "value of a", id="a text that is one"),
        pytest.param("Bearer ${ secret.a };", ("a",), "Bearer value of a;", id="one in a text"),
        pytest.param(
            "${secret.a}:${secret.b_2}:${secret.a}",
            ("a", "b_2"),
            "value of a:${secret.a}:value of a",
            id="what is filled in is not read again",
        ),
        pytest.param("$secret.a {secret.a} $ {x}", (), "$secret.a {secret.a} $ {x}", id="what only looks like one"),
    ],
)
def test_names_are_found_and_filled(text: str, names: tuple[str, ...], result: str) -> None:
    assert names_in(text) == names
    assert filled(text, VALUES.__getitem__) == result


@pytest.mark.parametrize(
    "text",
    [
        "${secret}",
        "${secret.}",
        "${secret.A}",
        "${secret.9}",
        "${secret.a.b}",
        "${arguments.x}",
        "${}",
        "x ${secret.a",
        "${secret['a']}",
        "${secret.a ?: 1}",
    ],
)
def test_every_other_form_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=r"write `\$\{secret\.NAME\}`"):
        names_in(text)
    with pytest.raises(ValidationError):
        filled(text, VALUES.__getitem__)
