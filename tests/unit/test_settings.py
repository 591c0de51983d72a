"""Settings that cannot be used name their variable and what it should be."""

import json
import traceback
from pathlib import Path

import pytest

from domain.errors import ValidationError
from infrastructure.secrets.redactor import Redactor
from settings import read_settings
from wiring.secrets import redactor_of, secrets_of
from wiring.showing import shown
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
        pytest.param(
            "WEFT_MODEL_ENDPOINTS",
            '{"a/b": {"api_base": "127.0.0.1:8000"}}',
            "`api_base` of a/b must be an address such as",
            id="no address",
        ),
        pytest.param("WEFT_MODEL_ENDPOINTS", '{"a/b": {"base": "x"}}', "a/b has no `base`, but api_base", id="an unknown key"),
        pytest.param("WEFT_JWT_KEYS", "keys.json", "WEFT_JWT_ISSUER, WEFT_JWT_AUDIENCE and WEFT_JWT_KEYS go together", id="keys of nobody"),
        pytest.param("WEFT_HTTP_PRIVATE", "db.local,10.0.0.1/8", "10.0.0.1/8 has host bits set", id="a network that is none"),
    ],
)
def test_a_wrong_setting_names_its_variable(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError) as refused:
        read_settings()

    assert refused.value.message.startswith(f"{variable}: ")
    assert words in refused.value.message


def test_whoever_names_an_issuer_says_where_its_keys_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_JWT_ISSUER", "https://login.example")
    monkeypatch.setenv("WEFT_JWT_AUDIENCE", "weft")
    with pytest.raises(ValidationError, match=r"WEFT_JWT_KEYS.* go together"):
        read_settings()
    monkeypatch.setenv("WEFT_JWT_KEYS", "http://login.example/keys")
    with pytest.raises(ValidationError, match="https:// only"):
        read_settings()


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


ROW = '{"from": "env:TOKEN", "hosts": ["api.github.com"]}'


@pytest.mark.parametrize(
    ("variables", "shown_as"),
    [
        pytest.param(
            {"WEFT_SECRETS__github": ROW},
            "{'github': {'from': 'env:TOKEN', 'hosts': ['api.github.com'], 'tenants': ['default']}}",
            id="a row",
        ),
        pytest.param(
            {"WEFT_SECRETS": '{"a": {"from": "file:/run/a:b", "hosts": ["*.x.com", "*", "::1"], "tenants": ["t"]}}'},
            "{'a': {'from': 'file:/run/a:b', 'hosts': ['*.x.com', '*', '::1'], 'tenants': ['t']}}",
            id="all of them",
        ),
        pytest.param(
            {"WEFT_SECRETS__a__from": "env:A", "WEFT_SECRETS__a__hosts": '["x"]'},
            "{'a': {'from': 'env:A', 'hosts': ['x'], 'tenants': ['default']}}",
            id="part by part",
        ),
        pytest.param(
            {"WEFT_SECRETS__a": '{"from": "env:A", "hosts": ["x:80", "[::1]:80", "*.x:80"]}'},
            "{'a': {'from': 'env:A', 'hosts': ['x:80', '[::1]:80', '*.x:80'], 'tenants': ['default']}}",
            id="with ports",
        ),
    ],
)
def test_secrets_are_shown_by_where_they_lie_and_may_go(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], shown_as: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    line = next(line for line in shown(read_settings()) if line.name == "secrets")

    assert (line.value, line.source) == (shown_as, "environment")


def test_secrets_can_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weft.toml").write_text('[secrets.github]\nfrom = "file:/run/secrets/github"\nhosts = ["api.github.com"]\n')

    bound = read_settings().secrets["github"].binding("github")

    assert (bound.source, bound.place, bound.hosts) == ("file", "/run/secrets/github", ("api.github.com",))


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        pytest.param("WEFT_SECRETS__github", "ghp_9f8sT2kLqWv0ZxY7", "WEFT_SECRETS__github: should be", id="the secret itself"),
        pytest.param(
            "WEFT_SECRETS__github",
            '{"from": "ghp_9f8sT2kLqWv0ZxY7", "hosts": ["a"]}',
            "never the secret itself",
            id="the secret itself as its place",
        ),
        pytest.param("WEFT_SECRETS__github", '{"from": "env:A"}', "WEFT_SECRETS__github__hosts: ", id="no hosts"),
        pytest.param(
            "WEFT_SECRETS__github", '{"from": "env:A", "hosts": []}', "WEFT_SECRETS__github__hosts: ", id="an empty list of hosts"
        ),
        pytest.param("WEFT_SECRETS__github", '{"from": "env:A", "hosts": ["a:0"]}', "a host is a name", id="no port"),
        pytest.param("WEFT_SECRETS__github", '{"from": "env:A", "hosts": ["a:65536"]}', "a host is a name", id="a port beyond the last"),
        pytest.param("WEFT_SECRETS__github", '{"from": "env:A", "hosts": ["::1:80x"]}', "a host is a name", id="no address"),
        pytest.param("WEFT_SECRETS__github", '{"from": "env:A", "hosts": ["https://a"]}', "a host is a name", id="a URL"),
        pytest.param("WEFT_SECRETS__github", '{"from": "env:A", "hosts": ["a.*"]}', "a host is a name", id="a star at the end"),
        pytest.param(
            "WEFT_SECRETS__github",
            '{"from": "env:A", "hosts": ["a"], "value": "ghp_9f8sT2kLqWv0ZxY7"}',
            "WEFT_SECRETS__github__value: ",
            id="a value beside",
        ),
        pytest.param("WEFT_SECRETS", '{"9x": {"from": "env:A", "hosts": ["a"]}}', "WEFT_SECRETS__9x", id="a name that cannot be written"),
        pytest.param("WEFT_SECRETS", '{"a": {"from": "ghp_9f8sT2kLqWv0ZxY7"', "secrets", id="no JSON"),
    ],
)
def test_a_wrong_secret_says_what_it_should_be_and_not_what_it_is(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError) as refused:
        read_settings()

    assert words in refused.value.message
    assert "ghp_" not in "".join(traceback.format_exception(refused.value))


def test_what_an_owner_sets_is_redacted_before_anybody_asks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("value-of-the-file\n")
    monkeypatch.setenv("WEFT_SECRETS__file", f'{{"from": "file:{tmp_path}/file", "hosts": ["a"]}}')
    monkeypatch.setenv("WEFT_SECRETS__gone", f'{{"from": "file:{tmp_path}/gone", "hosts": ["a"]}}')
    monkeypatch.setenv("WEFT_API_KEYS", "first-api-key,short,second-api-key")
    monkeypatch.setenv("WEFT_DATABASE_URL", "postgresql://weft:pass%2Fword-1@db/weft")
    monkeypatch.setenv("WEFT_REDIS_URL", "redis://:redis-password@cache:6379/0")
    monkeypatch.setenv("WEFT_MODEL_ENDPOINTS", '{"openai/a": {"api_base": "http://x", "api_key": "key-of-the-model"}}')
    monkeypatch.setenv("WEFT_SECRETS__github", ROW)
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-provider")
    monkeypatch.setenv("TOKEN", "value-of-the-token\n")
    redact = redactor_of(read_settings())

    said = redact(
        "first-api-key second-api-key short pass/word-1 redis-password key-of-the-model key-of-the-provider"
        " value-of-the-token value-of-the-file"
    )

    assert said == (
        "[secret WEFT_API_KEYS] [secret WEFT_API_KEYS] short [secret WEFT_DATABASE_URL] [secret WEFT_REDIS_URL]"
        " [secret WEFT_MODEL_ENDPOINTS] [secret OPENAI_API_KEY] [secret github] [secret file]"
    )


def test_a_password_that_everybody_knows_stays_in_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_DATABASE_URL", "postgresql://postgres:postgres@db/weft")

    assert redactor_of(read_settings())("postgres answers") == "postgres answers"


def test_a_kind_of_secrets_that_nobody_keeps_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_SECRETS__github", '{"from": "nobody:github", "hosts": ["a"]}')

    with pytest.raises(ValidationError, match=r"^WEFT_SECRETS: no package keeps secrets as `nobody:\.\.\.`; there are env, file"):
        secrets_of(read_settings(), Redactor())


MCP = {
    "here": {
        "command": [
            "npx",
            "-y",
            "server",
            "--token=command-token",
            "--api-key",
            "command-key",
            "ghp_9f8sT2kLqWv0ZxY7bN3m",
            "--mode=production",
        ],
        "env": {
            "GITHUB_TOKEN": "plain-token",
            "STAGE": "production",
            "AUTH_MODE": "password",
            "KEY_FILE": "/etc/key.pem",
            "DATA": "/srv/data/x",
            "DB": "pg://me:db-password@db/x",
        },
    },
    "there": {"url": "https://x.example/mcp?key=query-key", "headers": {"Authorization": "Bearer header-token", "Accept": "text/plain"}},
    "vault": {"url": "https://y.example/mcp", "headers": {"Authorization": "Bearer ${secret.github}"}},
}


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        pytest.param("plain-token", "[secret WEFT_MCP_SERVERS]", id="a variable that is called a token"),
        pytest.param("db-password", "[secret WEFT_MCP_SERVERS]", id="the password of a URL"),
        pytest.param("header-token", "[secret WEFT_MCP_SERVERS]", id="a credential without its scheme"),
        pytest.param("query-key", "[secret WEFT_MCP_SERVERS]", id="in a query"),
        pytest.param("command-token", "[secret WEFT_MCP_SERVERS]", id="an option of a command"),
        pytest.param("command-key", "[secret WEFT_MCP_SERVERS]", id="the word after an option"),
        pytest.param("ghp_9f8sT2kLqWv0ZxY7bN3m", "[secret WEFT_MCP_SERVERS]", id="what looks like a token"),
        pytest.param("${secret.github}", "${secret.github}", id="a reference is none itself"),
        pytest.param(
            "production, password, /etc/key.pem, text/plain", "production, password, /etc/key.pem, text/plain", id="what everybody may know"
        ),
    ],
)
def test_secrets_that_stand_plainly_in_servers_are_redacted(monkeypatch: pytest.MonkeyPatch, text: str, redacted: str) -> None:
    monkeypatch.setenv("WEFT_MCP_SERVERS", json.dumps(MCP))

    assert redactor_of(read_settings())(text) == redacted


def test_arguments_of_servers_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_MCP_SERVERS", json.dumps(MCP))
    line = next(line for line in shown(read_settings()) if line.name == "mcp_servers")

    assert "'command': ['npx', '(hidden)']" in line.value
    assert not [word for word in ("token", "key=", "api-key", "ghp_", "production", "password") if word in line.value]
