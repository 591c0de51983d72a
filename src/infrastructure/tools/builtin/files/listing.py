"""`files_list`: what lies in a workspace."""

from collections.abc import Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any, Final

from domain.json import Json, JsonObject
from domain.tool import Tool, ToolMetadata, ToolType
from infrastructure.tools.builtin.files.entries import folder
from infrastructure.tools.builtin.files.names import LONGEST_PATH, names_in
from infrastructure.tools.builtin.files.places import Workspace
from infrastructure.tools.builtin.files.walking import Entry, walk

PAGE: Final = 200
FOLDER: Final[JsonObject] = {
    "type": "string",
    "maxLength": LONGEST_PATH,
    "default": "",
    "description": "A folder of the workspace; the workspace itself when left out.",
}
PATTERN: Final[JsonObject] = {
    "type": "string",
    "minLength": 1,
    "maxLength": 200,
    "description": "Only paths that fit: `*` is any characters (`/` too), `?` one, `[ab]` one of these.",
}

LIST: Final = Tool(
    name="files_list",
    tool_type=ToolType.BUILTIN,
    metadata=ToolMetadata("Lists files and folders of the run's workspace, by path.", tags=("files",)),
    parameters={
        "type": "object",
        "properties": {
            "folder": FOLDER,
            "pattern": PATTERN,
            "recursive": {"type": "boolean", "default": False, "description": "Also what lies in folders within."},
            "limit": {"type": "integer", "minimum": 1, "maximum": 1_000, "default": PAGE},
            "after": {"type": "string", "maxLength": LONGEST_PATH, "description": "The `next` of the page before."},
        },
        "additionalProperties": False,
    },
    returns={
        "type": "object",
        "properties": {
            "entries": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "path": {"type": "string"},
                        "type": {"enum": ["file", "folder", "link", "other"], "description": "Only files and folders can be used."},
                        "bytes": {"type": "integer"},
                        "modified_at": {"type": "string"},
                    },
                    "required": ["path", "type", "bytes", "modified_at"],
                    "additionalProperties": False,
                },
            },
            "next": {"type": ["string", "null"], "description": "Say it as `after` for the next page; null at the end."},
        },
        "required": ["entries", "next"],
        "additionalProperties": False,
    },
    examples=(
        {
            "arguments": {"pattern": "*.md", "recursive": True},
            "output": {
                "entries": [{"path": "notes/today.md", "type": "file", "bytes": 18, "modified_at": "2026-03-01T12:00:00Z"}],
                "next": None,
            },
        },
    ),
)


def list_files(workspace: Workspace, arguments: Mapping[str, Any]) -> Json:
    names, limit = names_in(arguments.get("folder", "")), arguments.get("limit", PAGE)
    pattern, after = arguments.get("pattern", "*"), arguments.get("after", "")
    with workspace.opened() as root, folder(root, names) as here:
        found = walk(here, "".join(f"{name}/" for name in names), recursive=arguments.get("recursive", False))
        fitting = (entry for entry in found if fnmatchcase(entry.path, pattern) and _place(entry.path) > _place(after))
        shown = [_shown(entry) for entry in islice(fitting, limit + 1)]
    page = shown[:limit]
    return {"entries": page, "next": page[-1]["path"] if len(shown) > limit else None}


def _place(path: str) -> list[str]:
    """Where it stands among others: a folder's entries come right behind it."""
    return path.split("/") if path else []


def _shown(entry: Entry) -> dict[str, Json]:
    at = datetime.fromtimestamp(int(entry.status.st_mtime), UTC)
    return {
        "path": entry.path,
        "type": entry.kind,
        "bytes": entry.status.st_size if entry.kind == "file" else 0,
        "modified_at": at.isoformat().replace("+00:00", "Z"),
    }
