"""A list that comes in pages is one list."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from domain.tool import ToolExecutionResult
from tests.servers.speaker import Heard, Speaker, answer, speaking
from tests.unit.infrastructure.rest.asking import SECRET, desk_at
from tests.unit.infrastructure.tool_calls import answer as output_of
from tests.unit.infrastructure.tool_calls import refusal

ALL = list(range(25))
KEY = {"query": {"name": "key", "value": "${secret.key}"}}


@pytest.fixture
async def here() -> AsyncIterator[Speaker]:
    async with speaking() as speaker:
        speaker.said = shelf
        yield speaker


def page(items: list[int], link: str = "", **more: Any) -> bytes:
    told: dict[str, Any] = {"Link": link} if link else {}
    return answer(json.dumps({"found": {"items": items}, **more}).encode(), Content_Type="application/json", **told)


async def shelf(heard: Heard, writer: asyncio.StreamWriter) -> None:
    """Ten at a time, in every way a list can be turned."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(heard.target).query).items()}
    start = int(asked.get("offset") or asked.get("cursor") or 0) if "page" not in asked else (int(asked["page"]) - 1) * 10
    further = start + 10
    more = {"next": str(further)} if further < len(ALL) else {"next": None}
    link = (
        f'</list?offset={further}>; rel="prefetch next"; title="a, b", </list>; rel=first' if further < len(ALL) else "</list>; rel=first"
    )
    writer.write(page(ALL[start:further], link, **more))


async def listed(here: Speaker, way: dict[str, Any], *others: Speaker, **more: Any) -> ToolExecutionResult:
    desk = desk_at(here, *others)
    pagination = {"items": "found.items", "next": way, **more}
    return await desk.call(desk.tool({"url": f"{here.url}/list", "query": {"q": "x"}, "pagination": pagination, "auth": [KEY]}))


@pytest.mark.parametrize(
    ("way", "pages"),
    [
        pytest.param({"link": True}, 3, id="a link"),
        pytest.param({"cursor": "next", "query": "cursor"}, 3, id="a cursor"),
        pytest.param({"page": "page"}, 4, id="numbers of pages"),
        pytest.param({"offset": "offset"}, 4, id="numbers of items"),
        pytest.param({"offset": "offset", "limit": {"query": "limit", "value": 100}}, 4, id="fewer than were asked for is not the end"),
    ],
)
async def test_all_pages_are_one_list(here: Speaker, way: dict[str, Any], pages: int) -> None:
    assert output_of(await listed(here, way)) == {"items": ALL, "pages": pages, "is_complete": True}
    assert len(here.heard) == pages
    assert all("key=s3cr3t" in heard.target for heard in here.heard)
    assert ("limit=100" in here.heard[0].target) == ("limit" in way)


@pytest.mark.parametrize(
    ("most", "items", "pages"),
    [({"max_pages": 2}, 20, 2), ({"max_items": 15}, 15, 2), ({"max_items": 20}, 20, 2), ({"max_pages": 1}, 10, 1)],
)
async def test_a_list_that_is_longer_than_wanted_says_so(here: Speaker, most: dict[str, int], items: int, pages: int) -> None:
    found = output_of(await listed(here, {"link": True}, **most))
    assert found == {"items": ALL[:items], "pages": pages, "is_complete": False}


async def test_exactly_as_many_as_wanted_are_all(here: Speaker) -> None:
    found = output_of(await listed(here, {"cursor": "next", "query": "cursor"}, max_items=25, max_pages=3))
    assert found == {"items": ALL, "pages": 3, "is_complete": True}


async def test_pages_have_a_size_together(here: Speaker) -> None:
    here.said = page([1] * 1_000, next="more and more")
    desk = desk_at(here)
    config = {"url": here.url, "pagination": {"items": "found.items", "next": {"page": "page"}, "max_items": 100_000, "max_pages": 100}}
    found = output_of(await desk.call(desk.tool(config, limits={"output_bytes": 10_000})))
    assert isinstance(found, dict)
    assert (found["pages"], found["is_complete"]) == (4, False)


async def test_no_page_takes_the_credentials_elsewhere(here: Speaker) -> None:
    async with speaking() as further:
        for link in (
            f"<{further.url}/>; rel=next",
            "<//127.0.0.9/>; rel=next",
            "<file:///etc/passwd>; rel=next",
            "<http://[::1>; rel=next",
        ):
            here.said = page([1], link)
            assert refusal(await listed(here, {"link": True}, further)) == "address_refused"
        assert further.connections == 0


async def test_a_cursor_that_does_not_move_ends_the_call(here: Speaker) -> None:
    here.said = page([1], next="here")
    assert refusal(await listed(here, {"cursor": "next", "query": "cursor"})) == "invalid_answer"
    assert here.connections == 2


@pytest.mark.parametrize("body", [b"[]", b'{"found": {"items": {}}}', b'{"found": 1}', b"null"])
async def test_a_page_without_a_list_is_no_page(here: Speaker, body: bytes) -> None:
    here.said = answer(body, Content_Type="application/json")
    assert refusal(await listed(here, {"page": "page"})) == "invalid_answer"


async def test_a_page_is_asked_for_again_like_any_reading(here: Speaker) -> None:
    left = [answer(status=503)]

    async def say(heard: Heard, writer: asyncio.StreamWriter) -> None:
        if "offset=10" in heard.target and left:
            writer.write(left.pop())
        else:
            await shelf(heard, writer)

    here.said = say
    assert output_of(await listed(here, {"link": True})) == {"items": ALL, "pages": 3, "is_complete": True}


async def test_a_page_that_fails_is_the_calls_failure(here: Speaker) -> None:
    async def say(heard: Heard, writer: asyncio.StreamWriter) -> None:
        if "offset=10" in heard.target:
            writer.write(answer(SECRET.encode(), 404))
        else:
            await shelf(heard, writer)

    here.said = say
    result = await listed(here, {"link": True})
    assert (refusal(result), "s3cr3t" in str(result)) == ("http_404", False)
