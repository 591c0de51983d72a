"""What a request carries beside its URL: headers, cookies, bodies, credentials, and where it comes from."""

import json
from typing import Any

import pytest

from domain.errors import ToolError
from domain.ids import RunId
from domain.ports.tools import ToolContext
from infrastructure.tools.rest.reading import read_config
from infrastructure.tools.rest.requests import request
from infrastructure.tools.rest.templates import Given
from tests.unit.infrastructure.rest.asking import API, SECRET, Desk, asked, schema
from tests.unit.infrastructure.tool_calls import CONTEXT


@pytest.mark.parametrize(
    ("written", "given", "sent"),
    [
        ("${arguments.a}", "x", "x"),
        ("${arguments.a}", [1, 2], "1,2"),
        ("${arguments.a}", {"x": 1}, "x,1"),
        ("  v${arguments.a} ", 7, "v7"),
        ("${arguments.a}", "é", "é"),
        ("${arguments.a}", None, None),
        ("Token ${secret.key}", None, f"Token {SECRET}"),
        ("${arguments.deep.x.y}", None, "deep"),
    ],
)
def test_headers(written: str, given: Any, sent: str | None) -> None:
    arguments = {} if given is None else {"a": given}
    assert asked({"headers": {"X-Asked": written}}, **arguments, deep={"x": {"y": "deep"}}).headers.get("X-Asked") == sent


@pytest.mark.parametrize(
    "given", ["a\r\nHost: b", "a\nb", "a\r", "\x00", "\u2028", "日本", "a" * 70_000, ["a", "b\r\n"]], ids=lambda given: str(given)[:9]
)
def test_a_header_cannot_become_two(given: Any) -> None:
    with pytest.raises(ToolError) as found:
        asked({"headers": {"X-Asked": "${arguments.a}"}}, a=given)
    assert found.value.code == "invalid_arguments"


def test_a_url_has_an_end() -> None:
    with pytest.raises(ToolError, match="longer than 8,000"):
        asked({"query": {"q": "${arguments.a}"}}, a="x" * 9_000)


def test_cookies_stay_apart() -> None:
    found = asked(
        {"cookies": {"session": "${arguments.a}", "other": "${arguments.b}", "third": "${secret.key}"}}, a='x; admin="1",\r\n', b="ä"
    )
    assert found.headers["Cookie"] == "session=x%3B%20admin=%221%22%2C%0D%0A; other=%C3%A4; third=s3cr3t/+with%20signs"


def test_what_a_header_says_comes_before_what_we_would_say() -> None:
    config = {"headers": {"accept": "text/csv", "user-agent": "me", "traceparent": "${arguments.a}"}}
    assert dict(asked(config, a="00-1").headers) == {"accept": "text/csv", "user-agent": "me", "traceparent": "00-1"}


@pytest.mark.parametrize(
    ("body", "sent", "kind"),
    [
        pytest.param({"json": "${arguments.a}"}, '{"x":[1,null]}', "application/json", id="one argument, typed"),
        pytest.param({"json": {"t": "<${arguments.b}>", "n": 1, "z": None}}, '{"t":"<b>","n":1,"z":null}', "application/json", id="JSON"),
        pytest.param(
            {"json": {"m": "${arguments.deep}", "l": [1, "${arguments.deep.x}"]}}, '{"l":[1]}', "application/json", id="what is missing"
        ),
        pytest.param({"json": "${arguments.deep}"}, "", None, id="nothing at all"),
        pytest.param({"json": None}, "null", "application/json", id="null is something"),
        pytest.param({"json": {}, "content_type": "application/merge-patch+json"}, "{}", "application/merge-patch+json", id="other JSON"),
        pytest.param({"json": {"s": "${secret.key}"}}, f'{{"s":"{SECRET}"}}', "application/json", id="a secret"),
        pytest.param(
            {"form": {"x y": "${arguments.b}&", "l": [1, 2]}}, "x+y=b%26&l=1&l=2", "application/x-www-form-urlencoded", id="a form"
        ),
        pytest.param(
            {"form": {"f": {"value": "${arguments.a}", "style": "deepObject"}, "l": {"value": [1, "b c"], "explode": False}}},
            "f[x]=%5B1%2Cnull%5D&l=1,b+c",
            "application/x-www-form-urlencoded",
            id="a form whose fields have a style",
        ),
        pytest.param({"text": "say ${arguments.b}"}, "say b", "text/plain; charset=utf-8", id="text"),
        pytest.param({"text": "<a/>", "content_type": "application/xml"}, "<a/>", "application/xml", id="text of a kind"),
    ],
)
def test_bodies(body: dict[str, Any], sent: str, kind: str | None) -> None:
    found = asked({"method": "POST", "body": body}, a={"x": [1, None]}, b="b")
    assert (found.body.decode(), found.headers.get("Content-Type")) == (sent, kind)


def test_parts_of_a_body_stay_apart() -> None:
    fields = {
        "plain": "${arguments.b}",
        'odd"\r\nname': "1",
        "object": {"x": "${arguments.b}"},
        "list": ["1", "2"],
        "none": "${arguments.deep}",
        "file": {"base64": "${arguments.a}", "filename": 'a"\r\nb.bin', "content_type": "image/png"},
        "note": {"text": "hello", "filename": "note.txt", "content_type": "text/plain"},
    }
    found = asked({"method": "POST", "body": {"multipart": fields}}, a="AP8=", b="b")
    boundary = found.headers["Content-Type"].partition("boundary=")[2].encode()
    parts = [part.strip(b"\r\n") for part in found.body.split(b"--" + boundary)]
    start = b"Content-Disposition: form-data; "
    assert parts == [
        b"",
        start + b'name="plain"\r\n\r\nb',
        start + b'name="odd%22%0D%0Aname"\r\n\r\n1',
        start + b'name="object"\r\nContent-Type: application/json\r\n\r\n{"x":"b"}',
        start + b'name="list"\r\n\r\n1',
        start + b'name="list"\r\n\r\n2',
        start + b'name="file"; filename="a%22%0D%0Ab.bin"\r\nContent-Type: image/png\r\n\r\n\x00\xff',
        start + b'name="note"; filename="note.txt"\r\nContent-Type: text/plain\r\n\r\nhello',
        b"--",
    ]


def test_bytes_are_sent_as_they_are() -> None:
    found = asked({"method": "PUT", "body": {"base64": "${arguments.a}"}}, a="AP8=")
    assert (found.body, found.headers["Content-Type"]) == (b"\x00\xff", "application/octet-stream")
    assert asked({"method": "PUT", "body": {"base64": "${arguments.a}", "content_type": "image/png"}}).body == b""


@pytest.mark.parametrize("body", [{"base64": "${arguments.a}"}, {"multipart": {"f": {"base64": "${arguments.a}"}}}])
def test_what_is_no_base64_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ToolError, match="not given in base64"):
        asked({"method": "POST", "body": body}, a="?")


@pytest.mark.parametrize(
    ("auth", "place", "sent"),
    [
        ({"bearer": "${secret.key}"}, "Authorization", f"Bearer {SECRET}"),
        ({"basic": {"username": "me", "password": "${secret.key}"}}, "Authorization", "Basic bWU6czNjcjN0Lyt3aXRoIHNpZ25z"),
        ({"header": {"name": "X-Key", "value": "k ${secret.key}"}}, "X-Key", f"k {SECRET}"),
        ({"cookie": {"name": "sid", "value": "${secret.key}"}}, "Cookie", "sid=s3cr3t/+with%20signs"),
    ],
)
def test_credentials(auth: dict[str, Any], place: str, sent: str) -> None:
    assert asked({"auth": [auth]}).headers[place] == sent


def test_a_key_in_the_query() -> None:
    config = {"query": {"q": "1"}, "auth": [{"query": {"name": "key", "value": "${secret.key}"}}]}
    assert asked(config).url == f"{API}?q=1&key=s3cr3t%2F%2Bwith%20signs"


RUN = RunId("019a4e5c-8a3b-7c11-9f00-0123456789ab")


def test_a_trace_follows_the_run_and_its_activations() -> None:
    def sent(context: ToolContext) -> str:
        return asked({}, context).headers["traceparent"]

    first = sent(ToolContext(CONTEXT.tenant, "k1", RUN, "/a#1"))
    assert first.startswith("00-019a4e5c8a3b7c119f000123456789ab-")
    assert [len(part) for part in first.split("-")] == [2, 32, 16, 2]
    assert sent(ToolContext(CONTEXT.tenant, "k1", RUN, "/a#1")) == first
    other = sent(ToolContext(CONTEXT.tenant, "k2", RUN, "/a#2"))
    assert (other[:36], other == first) == (first[:36], False)
    assert sent(ToolContext(CONTEXT.tenant, "k1")) != sent(ToolContext(CONTEXT.tenant, "k2"))


@pytest.mark.parametrize(("key", "sent"), [("run/ask#1/0", "run/ask#1/0"), ("a\nb", None), ("k" * 300, None)])
def test_the_key_of_the_call_is_sent_where_the_config_says(key: str, sent: str | None) -> None:
    found = asked({"idempotency_header": "Idempotency-Key"}, ToolContext(CONTEXT.tenant, key)).headers["Idempotency-Key"]
    assert found == sent if sent else len(found) == 64


def test_a_dotted_name_comes_before_a_path() -> None:
    desk = Desk()
    config: dict[str, Any] = {
        "url": API,
        "method": "POST",
        "body": {"json": {"one": "${arguments.filter.name}", "two": "${arguments.filter.kind}"}},
    }
    properties = {"filter.name": None, "filter": None}
    tool = desk.tool(config, schema(**properties)).tool
    spec, _ = read_config(config, tool, desk.addresses)
    assert spec is not None
    body = request(spec, Given({"filter.name": 1, "filter": {"name": 2, "kind": 3}}), CONTEXT).body
    assert json.loads(body) == {"one": 1, "two": 3}
