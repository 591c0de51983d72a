"""Writes docs/reference from the code: `python -m tools.reference`. A test holds the pages to what this makes."""

import asyncio
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from tools.graph_schema import KINDS
from tools.reference_pages.documents import document_page, kinds_page
from tools.reference_pages.errors import errors_page
from tools.reference_pages.markdown import page
from tools.reference_pages.owners import commands_page, settings_page
from tools.reference_pages.rest import rest_page
from tools.reference_pages.tools import tools_page

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "reference"
_INDEX = {
    "document.md": "the keys of a graph document",
    "node-kinds.md": "what nodes can be, and their keys",
    "tools.md": "the tools that ship",
    "rest-api.md": "every route, its parameters, bodies and answers",
    "settings.md": "what an owner can set",
    "commands.md": "what can be typed",
    "errors.md": "every code, and what to do about it",
    "graph.schema.json": "the JSON Schema of documents, for editors",
}


def pages() -> dict[str, str]:
    """File name -> text."""
    kinds = {name: import_module(f"infrastructure.nodes.{name}").kind for name in KINDS}
    schema = import_module("application.documents").editor_schema(kinds)
    return {
        "README.md": page("Reference", "\n".join(f"- [{name}]({name}): {words}" for name, words in _INDEX.items())),
        "document.md": document_page(schema, import_module("domain.graph.definition").Limits()),
        "node-kinds.md": kinds_page(schema, kinds),
        "tools.md": tools_page(_tools()),
        "rest-api.md": rest_page(asyncio.run(_openapi())),
        "settings.md": settings_page(import_module("settings").Settings),
        "commands.md": commands_page(import_module("typer.main").get_command(import_module("interface.cli.app").root_of())),
        "errors.md": _errors(),
    }


def _tools() -> Any:
    """Those that ship: what else is installed on this machine is not ours to describe."""
    schemas, clock = import_module("infrastructure.schemas").JsonSchemas(), import_module("infrastructure.clock").SystemClock()
    memory = import_module("infrastructure.tools.builtin.memory").memory_tools(None, clock)  # nothing is called
    reaching = import_module("infrastructure.tools.builtin").reaching_tools(None, clock)
    files = import_module("infrastructure.tools.builtin.files").file_tools(None)
    notify = import_module("infrastructure.tools.builtin.notify").notify(None, None, clock)
    found = import_module("infrastructure.tools.registry").InstalledTools(schemas, clock, [*memory, *reaching, *files, notify])
    return [tool for tool in found.list() if tool.tool_type.value == "builtin"]


async def _openapi() -> dict[str, Any]:
    bootstrap, settings = import_module("bootstrap"), import_module("settings")
    async with bootstrap.open_app(settings.Settings(database_url="memory:")) as app:
        document: dict[str, Any] = json.loads(json.dumps(app.rest(asyncio.Event()).openapi()))
    return document


def _errors() -> str:
    status = import_module("interface.rest.problems").STATUS
    return errors_page(import_module("domain.errors"), status, import_module("infrastructure.models.failures").RETRYABLE)


def main() -> None:
    sys.path.insert(0, str(ROOT / "src"))
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (TARGET / name).write_text(text)


if __name__ == "__main__":
    main()
