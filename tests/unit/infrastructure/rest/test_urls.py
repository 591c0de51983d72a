"""Arguments in a URL: each stays the piece of the path and the item of the query that it is."""

from typing import Any

import pytest

from domain.errors import ToolError
from tests.unit.infrastructure.rest.asking import API, asked


@pytest.mark.parametrize(
    ("written", "given", "sent"),
    [
        pytest.param("a", "x", "/v1/x", id="a plain value"),
        pytest.param("a", "a/b?c#d&e=f", "/v1/a%2Fb%3Fc%23d%26e%3Df", id="what would mean something does not"),
        pytest.param("a", "ä €", "/v1/%C3%A4%20%E2%82%AC", id="other letters"),
        pytest.param("a", "%41", "/v1/%2541", id="what is encoded already stays what it is"),
        pytest.param("a", "...", "/v1/...", id="three dots are a name"),
        pytest.param("a", 7, "/v1/7", id="a number"),
        pytest.param("a", 1.5, "/v1/1.5", id="a broken number"),
        pytest.param("a", False, "/v1/false", id="a truth"),
        pytest.param("a", ["x", "y,z"], "/v1/x,y%2Cz", id="a list"),
        pytest.param("a", {"x": 1, "y": 2}, "/v1/x,1,y,2", id="an object"),
    ],
)
def test_an_argument_is_one_piece_of_the_path(written: str, given: Any, sent: str) -> None:
    assert asked({"url": f"{API}/v1/{{{written}}}"}, required="a", a=given).url == API + sent


@pytest.mark.parametrize(
    ("style", "explode", "given", "sent"),
    [
        ("simple", True, {"x": 1, "y": 2}, "x=1,y=2"),
        ("label", False, "v", ".v"),
        ("label", False, [1, 2], ".1,2"),
        ("label", True, [1, 2], ".1.2"),
        ("label", True, {"x": 1, "y": 2}, ".x=1.y=2"),
        ("matrix", False, "v", ";a=v"),
        ("matrix", False, [1, 2], ";a=1,2"),
        ("matrix", True, [1, 2], ";a=1;a=2"),
        ("matrix", False, {"x": 1, "y": 2}, ";a=x,1,y,2"),
        ("matrix", True, {"x": 1, "y": 2}, ";x=1;y=2"),
    ],
)
def test_styles_of_paths(style: str, explode: bool, given: Any, sent: str) -> None:
    config = {"url": f"{API}/{{a}}/end", "path": {"a": {"style": style, "explode": explode}}}
    assert asked(config, required="a", a=given).url == f"{API}/{sent}/end"


CLIMBING = [
    "",
    ".",
    "..",
    "../x",
    "x/../y",
    "..\\x",
    "%2e%2e",
    "%2E%2E/x",
    "..%2fx",
    "%252e%252e%252fx",
    "%25252e.",
    "..;/x",
    ["..", "x"],
    [".."],
    None,
]


@pytest.mark.parametrize("given", CLIMBING, ids=str)
@pytest.mark.parametrize("url", ["/v1/{a}", "/v1/{a}/end", "/v1/{a}?x=1"])
def test_no_argument_leads_to_another_path(given: Any, url: str) -> None:
    with pytest.raises(ToolError) as found:
        asked({"url": API + url}, required="a", a=given)
    assert found.value.code == "invalid_arguments"


@pytest.mark.parametrize(
    ("url", "style", "given"),
    [
        ("/v1/.{a}/x", "simple", "."),
        ("/v1/{a}{b}/x", "simple", "."),
        ("/v1/{a}/x", "label", ["", ""]),
        ("/v1/{a}/x", "label", [""]),
        ("/v1/{a}/x", "simple", []),
    ],
)
def test_nor_do_several_together(url: str, style: str, given: Any) -> None:
    config = {"url": API + url, "path": {"a": {"style": style, "explode": True}}}
    with pytest.raises(ToolError, match="invalid arguments"):
        asked(config, required="a b", a=given, b=".")


@pytest.mark.parametrize(
    ("written", "given", "sent"),
    [
        pytest.param("2", None, "q=2", id="what is written"),
        pytest.param(True, None, "q=true", id="typed as it is written"),
        pytest.param("${arguments.a}", "x y&z=ä", "q=x%20y%26z%3D%C3%A4", id="encoded"),
        pytest.param("${arguments.a}", "a+b", "q=a%2Bb", id="a plus is a plus"),
        pytest.param("${arguments.a}", None, "", id="left out when it is not given"),
        pytest.param("<${arguments.a}>", None, "", id="with all it stands in"),
        pytest.param("from:${arguments.a} is:open", "me", "q=from%3Ame%20is%3Aopen", id="inside a text"),
        pytest.param("$${arguments.a}", "me", "q=%24%7Barguments.a%7D", id="a sign that is none"),
        pytest.param("${arguments.a}", [1, 2], "q=1&q=2", id="a list"),
        pytest.param("${arguments.a}", [], "", id="an empty list"),
        pytest.param("${arguments.a}", {"x": [1]}, "q=%7B%22x%22%3A%5B1%5D%7D", id="an object, as JSON"),
        pytest.param({"value": "${arguments.a}", "explode": False}, ["x", "y,z"], "q=x,y%2Cz", id="form"),
        pytest.param({"value": "${arguments.a}"}, {"x": 1, "y": "&"}, "x=1&y=%26", id="form, exploded"),
        pytest.param({"value": "${arguments.a}", "explode": False}, {"x": 1, "y": 2}, "q=x,1,y,2", id="form of an object"),
        pytest.param({"value": "${arguments.a}", "style": "spaceDelimited"}, ["x", "y"], "q=x%20y", id="spaces"),
        pytest.param({"value": "${arguments.a}", "style": "pipeDelimited"}, ["x", "y"], "q=x%7Cy", id="pipes"),
        pytest.param({"value": "${arguments.a}", "style": "pipeDelimited", "explode": True}, ["x", "y"], "q=x&q=y", id="pipes, exploded"),
        pytest.param({"value": "${arguments.a}", "style": "deepObject"}, {"x": 1, "]": "["}, "q[x]=1&q[%5D]=%5B", id="deep"),
    ],
)
def test_queries(written: Any, given: Any, sent: str) -> None:
    arguments = {} if given is None else {"a": given}
    assert asked({"query": {"q": written}}, **arguments).url == (f"{API}/?{sent}".replace("/?", "?") if sent else API)


def test_a_query_of_the_url_itself_stays() -> None:
    assert asked({"url": f"{API}/x?v=2", "query": {"q": "${arguments.a}"}}, a=1).url == f"{API}/x?v=2&q=1"


def test_members_of_an_object_do_not_pass_for_what_the_config_says() -> None:
    config = {"query": {"q": {"value": "${arguments.a}"}, "limit": "5"}, "auth": [{"query": {"name": "key", "value": "${secret.key}"}}]}
    for name in ("limit", "key"):
        with pytest.raises(ToolError, match="of its own"):
            asked(config, a={name: "1000"})
