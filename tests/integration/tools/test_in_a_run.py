"""Tools in runs, as a service has them: modules of the owner's, workspaces of threads, progress, cost and what is told to webhooks."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from application.access import LOCAL_ADMIN
from application.run_orders import RunOrder
from application.run_views import PassingView, RunView
from application.webhook_orders import DeliveryListOrder, WebhookOrder
from bootstrap import App, open_app
from domain.errors import FactoryError
from settings import Settings, read_settings

MODULE = '''
import time
from pathlib import Path
from weft import ToolContext, tool

@tool(cost_usd="0.25")
def work(go: str, context: ToolContext) -> str:
    """Tell how far it is, and wait until that was heard."""
    context.progress(0.5, "half of it")
    while not Path(go).exists():
        time.sleep(0.002)
    return "done"
'''


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "tools_of_the_test", raising=False)
    (tmp_path / "tools_of_the_test.py").write_text(MODULE)
    return read_settings(
        database_url="memory:", tools="tools_of_the_test", workspaces=tmp_path / "spaces", log="warning", webhooks_private=True
    )


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[App]:
    async with open_app(settings) as app:
        work = asyncio.create_task(app.worker.run())
        try:
            yield app
        finally:
            app.worker.stop()
            await work


def calling(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        "weft": 1,
        "name": "calling",
        "version": "1.0.0",
        "state": {"said": {}},
        "nodes": {"call": {"kind": "tool", "tool": tool, "arguments": arguments, "writes": {"said": "${output}"}}},
        "edges": [{"from": "start", "to": "call"}, {"from": "call", "to": "end"}],
        "output": {"said": "${state.said}"},
    }


async def run(app: App, tool: str, thread: str | None = None, **arguments: Any) -> RunView:
    order = RunOrder(workflow=calling(tool, arguments), thread_id=thread)
    started = await app.desk.start_run(LOCAL_ADMIN, order)
    found, is_over = await app.desk.wait_for_run(LOCAL_ADMIN, started.view.id, 30.0)
    assert is_over
    return found


async def test_whoever_follows_a_run_hears_how_far_its_tool_is_and_what_it_costs_is_counted(settings: Settings, tmp_path: Path) -> None:
    async with working(settings) as app:
        started = await app.desk.start_run(LOCAL_ADMIN, RunOrder(workflow=calling("work", {"go": str(tmp_path / "go")})))
        heard: list[str] = []
        async for item in await app.desk.follow_run(LOCAL_ADMIN, started.view.id, passing=True):
            if isinstance(item, PassingView) and item.kind == "progress":
                heard.append(item.text)
                (tmp_path / "go").touch()
        found = await app.desk.get_run(LOCAL_ADMIN, started.view.id)

    assert heard == ["50% half of it"]
    assert (found.status, found.output) == ("completed", {"said": "done"})
    assert (found.cost.amount, found.cost.unpriced_calls) == ("0.25", 0)


async def test_runs_of_a_thread_find_the_files_of_those_before(settings: Settings, tmp_path: Path) -> None:
    async with working(settings) as app:
        first = await run(app, "files_write", path="notes.md", content="mine")
        second = await run(app, "files_read", first.thread_id, path="notes.md")
        elsewhere = await run(app, "files_read", path="notes.md")

    assert isinstance(second.output, dict)
    assert second.output["said"]["content"] == "mine"  # type: ignore[index,call-overload]
    assert (tmp_path / "spaces" / "default" / f"thread-{first.thread_id}" / "notes.md").read_text() == "mine"
    assert elsewhere.error is not None
    assert elsewhere.error.code == "file_not_found"


async def test_a_webhook_that_wants_nothing_else_hears_of_a_notification(settings: Settings) -> None:
    async with working(settings) as app:
        order = WebhookOrder(url="http://127.0.0.1:9/hook", events=["run.notified"])
        webhook = await app.desk.webhooks.create(LOCAL_ADMIN, order)
        told = await run(app, "notify", topic="order.late", message="It is late.")
        log = await app.desk.webhooks.log(LOCAL_ADMIN, webhook.id, DeliveryListOrder())

    assert told.output == {"said": {"webhooks": 1}}
    assert [(one.event, one.run_id) for one in log.items] == [("run.notified", told.id)]


async def test_a_module_that_does_not_load_stops_the_start(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "tools_of_the_test.py").write_text("x = 1\nimport nothing_of_this_name\n")

    with pytest.raises(FactoryError, match=r"the module tools_of_the_test does not load: .*line 2"):
        async with open_app(settings):
            raise AssertionError("it opened")


def test_tools_are_named_with_commas_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_TOOLS", "my_tools, other.module")

    assert read_settings().tools == ("my_tools", "other.module")
    assert json.loads(read_settings().model_dump_json())["workspaces"] is None
