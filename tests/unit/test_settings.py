"""Settings that cannot be used name their variable and what it should be."""

import pytest

from domain.errors import ValidationError
from settings import read_settings, shown


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        pytest.param("WEFT_PORT", "many", "port", id="a port in words"),
        pytest.param("WEFT_REDIS_URL", "localhost:6379", "redis://HOST:PORT/NUMBER", id="a Redis without a scheme"),
        pytest.param("WEFT_LEASE_SECONDS", "0", "greater than or equal to 1", id="a lease of no time"),
        pytest.param(
            "WEFT_MODEL_ENDPOINTS", '{"a/b": {"prompt_price": "x"}}', "`prompt_price` of a/b must be a number", id="a price in words"
        ),
        pytest.param("WEFT_MODEL_ENDPOINTS", '{"a/b": {"base": "x"}}', "a/b has no `base`, but api_base", id="an unknown key"),
    ],
)
def test_a_wrong_setting_names_its_variable(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError) as refused:
        read_settings()

    assert refused.value.message.startswith(f"{variable}: ")
    assert words in refused.value.message


def test_the_password_of_a_redis_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_REDIS_URL", "redis://:secret@redis:6379/0")
    line = next(line for line in shown(read_settings()) if line.name == "redis_url")

    assert (line.value, line.source) == ("redis://:(hidden)@redis:6379/0", "environment")
