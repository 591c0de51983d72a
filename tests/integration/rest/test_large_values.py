"""A large value, carried once by the database, stands whole in everything that a reader asks for; with the real engine and SQLite."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.integration.rest.site import Site, open_site
from tests.integration.rest.test_edits import a_thread, edit
from tests.integration.rest.test_with_a_worker import WAIT, graph, writes

BIG = "abc" * (1024 * 1024)


def keeping() -> dict[str, Any]:
    """Writes what it was given, and how long what the thread holds is."""
    state = {"given": {"type": "string"}, "doc": {"type": "string"}, "size": {"type": "integer"}}
    nodes = {"keep": writes("doc", "${state.given}"), "measure": writes("size", "${size(state.doc)}")}
    return graph("keeping", nodes, "start keep measure end", state=state)


async def told(site: Site, path: str) -> Any:
    answer = await site.call("GET", path)
    assert answer.status_code == 200, answer.text[:500]
    return answer.json()


async def test_state_history_and_streams_show_the_whole_value(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.publish(keeping())
        thread = await a_thread(site)
        async with site.working():
            run = await site.start("keeping", wait=WAIT, thread_id=thread, input={"given": BIG})
        changed = [change for entry in (await told(site, f"/v1/threads/{thread}/history"))["items"] for change in entry["changes"]]
        streamed = (await site.call("GET", f"/v1/runs/{run['id']}/events")).text

        assert run["output"] == (await told(site, f"/v1/runs/{run['id']}"))["output"] == {"given": BIG, "doc": BIG, "size": len(BIG)}
        assert (await told(site, f"/v1/threads/{thread}/state"))["values"]["doc"] == BIG
        assert [change["new_value"] for change in changed if change["field_path"] == "/doc"] == [BIG]
        rows = [json.loads(line.removeprefix("data: ")) for line in streamed.splitlines() if line.startswith("data: {")]
        assert [row["updates"] for row in rows if row.get("type") == "node_finished"] == [{"doc": BIG}, {"size": len(BIG)}]

    with closing(sqlite3.connect(tmp_path / "weft.db")) as connection:
        assert connection.execute("SELECT count(*), sum(size_bytes) FROM blobs").fetchone() == (1, len(BIG) + 2)


async def test_what_is_loaded_again_after_a_restart_is_whole(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site:
        await site.publish(keeping())
        thread = await a_thread(site)
        await edit(site, thread, values={"given": BIG})
    async with open_site(tmp_path) as site, site.working():
        run = await site.start("keeping", wait=WAIT, thread_id=thread)

    assert run["output"] == {"given": BIG, "doc": BIG, "size": len(BIG)}
