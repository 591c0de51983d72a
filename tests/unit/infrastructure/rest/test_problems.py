"""What is wrong with a config is said when the tool is registered, all at once."""

from typing import Any

import pytest

from domain.errors import ValidationError
from tests.servers.speaker import speaking
from tests.unit.infrastructure.rest.asking import Desk, schema

API = "https://api.example.com/v1"
PARAMETERS = schema("a", b=None)
LINKED = {"items": "@", "next": {"link": True}}


@pytest.mark.parametrize(
    ("config", "problems"),
    [
        pytest.param({}, {("/url", "missing")}, id="no URL"),
        pytest.param({"url": "ftp://example.com/"}, {("/url", "invalid_url")}, id="another scheme"),
        pytest.param({"url": "https://me:word@example.com/"}, {("/url", "invalid_url")}, id="a password in a URL"),
        pytest.param({"url": "https://{a}.example.com/"}, {("/url", "fixed_host")}, id="an argument in the host"),
        pytest.param({"url": "https://example.com:{a}/"}, {("/url", "invalid_url")}, id="an argument for a port"),
        pytest.param({"url": "{a}://example.com/"}, {("/url", "invalid_url")}, id="an argument for a scheme"),
        pytest.param({"url": f"{API}?q={{a}}"}, {("/url", "no_placeholder")}, id="an argument in the query of a URL"),
        pytest.param({"url": f"{API}/${{secret.key}}"}, {("/url", "no_reference")}, id="a secret in a URL"),
        pytest.param({"url": f"{API}#x"}, {("/url", "no_fragment")}, id="a fragment"),
        pytest.param({"url": f"{API}/{{a"}, {("/url", "invalid_url")}, id="half a brace"),
        pytest.param({"url": f"{API}/{{c}}"}, {("/url", "unknown_argument")}, id="an argument in the path that is not declared"),
        pytest.param({"url": f"{API}/{{b}}"}, {("/url", "must_be_required")}, id="an argument in the path that may be missing"),
        pytest.param({"url": API, "path": {"a": {}}}, {("/path/a", "not_in_url")}, id="a style of nothing"),
        pytest.param({"url": "http://127.0.0.1/"}, {("/url", "address_refused")}, id="an address of this machine"),
        pytest.param({"url": "http://0x7f.1/"}, {("/url", "address_refused")}, id="in another spelling"),
        pytest.param({"url": API, "query": {"q": "${arguments.c}"}}, {("/query/q", "unknown_argument")}, id="an unknown argument"),
        pytest.param({"url": API, "query": {"q": "${input.x}"}}, {("/query/q", "unknown_reference")}, id="another reference"),
        pytest.param({"url": API, "query": {"q": "${arguments.a"}}, {("/query/q", "unknown_reference")}, id="half a reference"),
        pytest.param({"url": API, "headers": {"X": "${secret.}"}}, {("/headers/X", "unknown_reference")}, id="a secret without a name"),
        pytest.param(
            {"url": API, "query": {"q": {"value": 1, "stile": 2}}}, {("/query/q/stile", "extra_forbidden")}, id="a misspelled member"
        ),
        pytest.param({"url": API, "headers": {"Host": "x"}}, {("/headers/Host", "not_yours")}, id="a header that carries"),
        pytest.param(
            {"url": API, "headers": {"X\r\nY": "x"}}, {("/headers/X\r\nY/[key]", "string_pattern_mismatch")}, id="two headers in one"
        ),
        pytest.param(
            {"url": API, "headers": {"X": "1", "x": "2"}}, {("/headers/X", "twice"), ("/headers/x", "twice")}, id="a header twice"
        ),
        pytest.param(
            {"url": API, "auth": [{"bearer": "x"}, {"basic": {"username": "x", "password": "y"}}]},
            {("/auth/0", "twice"), ("/auth/1", "twice")},
            id="two credentials in one place",
        ),
        pytest.param({"url": API, "auth": [{}]}, {("/auth/0", "one_of")}, id="no credential"),
        pytest.param(
            {"url": API, "auth": [{"bearer": "${arguments.a}"}]}, {("/auth/0/bearer", "no_argument")}, id="credentials of a caller"
        ),
        pytest.param(
            {"url": API, "query": {"k": "1"}, "auth": [{"query": {"name": "k", "value": "x"}}]},
            {("/query/k", "twice"), ("/auth/0/query/name", "twice")},
            id="a key in a place that is taken",
        ),
        pytest.param(
            {"url": API, "auth": [{"oauth2": {"token_url": "http://localhost/t", "client_id": "c", "client_secret": "s"}}]},
            {("/auth/0/oauth2/token_url", "address_refused")},
            id="a token from this machine",
        ),
        pytest.param(
            {"url": API, "auth": [{"oauth2": {"token_url": f"{API}/${{secret.key}}", "client_id": "c", "client_secret": "s"}}]},
            {("/auth/0/oauth2/token_url", "no_reference")},
            id="a secret in the URL of tokens",
        ),
        pytest.param({"url": API, "body": {}}, {("/body", "one_of")}, id="a body of nothing"),
        pytest.param({"url": API, "body": {"json": 1, "text": "x"}}, {("/body", "one_of")}, id="two bodies"),
        pytest.param(
            {"url": API, "body": {"json": {"m": ["${arguments.c}"]}}}, {("/body/json/m/0", "unknown_argument")}, id="deep in a body"
        ),
        pytest.param(
            {"url": API, "body": {"form": {}, "content_type": "x/y"}}, {("/body/content_type", "not_here")}, id="a form of another kind"
        ),
        pytest.param(
            {"url": API, "body": {"multipart": {"f": {"filename": "x"}}}},
            {("/body/multipart/f", "one_of")},
            id="a file without anything in it",
        ),
        pytest.param({"url": API, "pagination": {**LINKED, "next": {}}}, {("/pagination/next", "one_of")}, id="no way to the next page"),
        pytest.param(
            {"url": API, "pagination": {**LINKED, "next": {"cursor": "c"}}}, {("/pagination/next", "incomplete")}, id="a cursor for nothing"
        ),
        pytest.param({"url": API, "pagination": {**LINKED, "items": "["}}, {("/pagination/items", "invalid_query")}, id="no expression"),
        pytest.param({"url": API, "pagination": LINKED, "result": "full"}, {("/result", "one_answer")}, id="one answer of several"),
        pytest.param({"url": API, "retries": {"attempts": 0}}, {("/retries/attempts", "greater_than_equal")}, id="no attempt"),
        pytest.param({"url": API, "max_bytes": 10**9}, {("/max_bytes", "less_than_equal")}, id="a gigabyte"),
        pytest.param({"url": API, "method": "TRACE"}, {("/method", "literal_error")}, id="a method of no tool"),
        pytest.param({"url": API, "verify": False}, {("/verify", "extra_forbidden")}, id="something else"),
        pytest.param(
            {"url": API + "/{c}", "query": {"q": "${arguments.d}"}, "headers": {"te": "${x}"}},
            {
                ("/url", "unknown_argument"),
                ("/query/q", "unknown_argument"),
                ("/headers/te", "unknown_reference"),
                ("/headers/te", "not_yours"),
            },
            id="all at once",
        ),
    ],
)
def test_what_is_wrong_is_said(config: dict[str, Any], problems: set[tuple[str, str]]) -> None:
    assert Desk().problems(config, PARAMETERS) == problems


def test_pages_are_only_read() -> None:
    assert Desk().problems({"url": API, "pagination": LINKED}, effects="once") == {("/pagination", "only_reads")}


def test_a_config_has_a_size() -> None:
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"m": deep}
    assert Desk().problems({"url": API, "body": {"json": deep}}) == {("", "too_large")}


def test_no_problem_repeats_a_credential() -> None:
    config = {"url": API, "auth": [{"bearer": "plain-credential", "basic": {"username": "plain-credential", "word": 1}}]}
    with pytest.raises(ValidationError) as found:
        Desk().tool(config)
    assert "plain-credential" not in str([found.value.message, *found.value.problems])


async def test_what_is_allowed_by_name_may_be_registered() -> None:
    async with speaking() as here:
        assert Desk([here.place]).problems({"url": f"{here.url}/{{a}}"}, PARAMETERS) == set()
