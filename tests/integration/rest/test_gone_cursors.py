"""What retention removed is said to readers that come back for it; the store in memory removes no rows, so this is over SQLite."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.change import Change, Operation
from domain.ids import Position
from domain.ports.journal import Checkpoint
from domain.run.events import StateEdited
from tests.integration.rest.service import CONFIGURED
from tests.integration.rest.site import Site, open_site
from tests.integration.rest.test_looking_back import two_turns, write

KEPT = 7
"""The checkpoint's row, and the first that stays."""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as opened:
        yield opened


async def pruned(site: Site) -> str:
    """A thread whose rows 1 to 6 are gone, and 7 and 8 are there."""
    thread = await two_turns(site)
    edit = StateEdited((Change(Operation.UPDATE, "/n", 2, 3),), "ann")
    await write(site, thread, edit, checkpoint=Checkpoint(Position(KEPT), b'{"values":{"n":3,"notes":[0,1]},"run":null}'))
    await write(site, thread, edit)
    assert await site.weft.shared.store().retention.forget_rows(datetime.now(UTC), 100) == KEPT - 1
    return thread


@pytest.mark.parametrize("query", ["", "?after=5", "?format=json", "?format=json&after=5"])
async def test_a_cursor_older_than_what_is_kept_is_gone_and_the_answer_says_where_to_start_again(site: Site, query: str) -> None:
    gone = await site.call("GET", f"/v1/threads/{await pruned(site)}/events{query}")

    assert (gone.status_code, gone.json()["code"], gone.json()["oldest"]) == (410, "cursor_gone", KEPT - 1)


async def test_the_cursor_that_is_named_brings_every_row_that_is_left(site: Site) -> None:
    page = await site.call("GET", f"/v1/threads/{await pruned(site)}/events?format=json&after={KEPT - 1}")

    assert ([row["position"] for row in page.json()["items"]], page.json()["next"]) == ([7, 8], 8)


async def test_a_run_whose_rows_are_gone_says_so_and_one_that_was_read_to_its_end_is_no_error(site: Site) -> None:
    thread = await pruned(site)
    runs = (await site.call("GET", f"/v1/runs?thread_id={thread}")).json()["items"]
    newest = f"/v1/runs/{runs[0]['id']}/events?format=json"

    assert (await site.call("GET", newest)).json()["code"] == "cursor_gone"
    assert (await site.call("GET", newest + "&after=6")).json() == {"items": [], "next": 6}


async def test_a_socket_is_told_the_same_and_closed_with_4410(site: Site) -> None:
    told = await over_a_socket(site, f"/v1/threads/{await pruned(site)}/events")
    error = json.loads(told[1]["text"])

    assert (error["code"], error["oldest"]) == ("cursor_gone", KEPT - 1)
    assert [message["type"] for message in told] == ["websocket.accept", "websocket.send", "websocket.close"]
    assert told[-1]["code"] == 4410


async def over_a_socket(site: Site, path: str) -> list[Any]:
    """What the service says to a client that connects and only listens."""
    said: list[Any] = []
    connecting = iter([{"type": "websocket.connect"}])

    async def receive() -> Any:
        return next(connecting, None) or await asyncio.Event().wait()

    async def send(message: Any) -> None:
        said.append(message)

    scope = {
        "type": "websocket",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"authorization", f"Bearer {CONFIGURED}".encode())],
        "scheme": "ws",
        "server": ("localhost", 80),
        "subprotocols": [],
        "asgi": {"version": "3.0", "spec_version": "2.4"},
    }
    await asyncio.wait_for(site.app(scope, receive, send), 10)
    return said
