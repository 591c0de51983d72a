"""Settings that cannot be used name their variable and what it should be."""

import pytest

from domain.errors import ValidationError
from settings import read_settings, shown
from wiring.strangers import unknown_variables


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
        pytest.param("WEFT_HTTP_PRIVATE", "db.local,10.0.0.1/8", "10.0.0.1/8 has host bits set", id="a network that is none"),
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


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        pytest.param("WEFT_LEASE_SECOND", ["WEFT_LEASE_SECOND is no setting (is WEFT_LEASE_SECONDS meant?)"], id="a mistyped one"),
        pytest.param("weft_prot", ["weft_prot is no setting (is WEFT_PORT meant?)"], id="in small letters"),
        pytest.param("WEFT_MODEL__fast", ["WEFT_MODEL__fast is no setting (is WEFT_MODELS meant?)"], id="a part of one"),
        pytest.param("WEFT_QQQ", ["WEFT_QQQ is no setting"], id="one that is like no other"),
        pytest.param("WEFT_MODELS__fast", [], id="an alias"),
        pytest.param("weft_port", [], id="a setting in small letters"),
        pytest.param("WEFT_API_KEY", [], id="the command's own"),
        pytest.param("WEFTY", [], id="another program's"),
    ],
)
def test_a_variable_that_is_no_setting_is_named_with_the_nearest_one(variable: str, said: list[str]) -> None:
    assert unknown_variables({variable: "secret", "PATH": "/bin"}) == said
