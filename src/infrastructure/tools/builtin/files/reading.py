"""`files_read`: a piece of a file, as text or bytes."""

import base64
import os
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from domain.errors import ToolError
from domain.json import Json
from domain.tool import Tool, ToolMetadata, ToolType
from infrastructure.tools.builtin.files.bounds import MAX_FILE
from infrastructure.tools.builtin.files.entries import folder, reading
from infrastructure.tools.builtin.files.names import PATH, file_names_in
from infrastructure.tools.builtin.files.places import Workspace

PIECE: Final = 256 * 1024
LARGEST_PIECE: Final = 1024 * 1024

READ: Final = Tool(
    name="files_read",
    tool_type=ToolType.BUILTIN,
    metadata=ToolMetadata("Reads a file of the run's workspace, or a piece of it.", tags=("files",)),
    parameters={
        "type": "object",
        "properties": {
            "path": PATH,
            "as": {"enum": ["text", "base64"], "default": "text", "description": "`text` is UTF-8."},
            "offset": {"type": "integer", "minimum": 0, "default": 0, "description": "Where to begin, in bytes."},
            "limit": {"type": "integer", "minimum": 4, "maximum": LARGEST_PIECE, "default": PIECE, "description": "Bytes at most."},
        },
        "required": ["path"],
        "additionalProperties": False,
    },
    returns={
        "type": "object",
        "properties": {
            "path": {"type": "string"},
            "content": {"type": "string"},
            "bytes": {"type": "integer", "description": "Of the whole file."},
            "sha256": {"type": ["string", "null"], "description": "Of the whole file, where the whole file was read."},
            "next_offset": {"type": ["integer", "null"], "description": "Where to read on; null at the end."},
        },
        "required": ["path", "content", "bytes", "sha256", "next_offset"],
        "additionalProperties": False,
    },
    examples=(
        {
            "arguments": {"path": "notes/today.md"},
            "output": {
                "path": "notes/today.md",
                "content": "Water the plants.\n",
                "bytes": 18,
                "sha256": "c1f759a102d8226451b67f7182fd34b433c587d9bb258818e9ab26c2593b07b8",
                "next_offset": None,
            },
        },
    ),
)


def read_file(workspace: Workspace, arguments: Mapping[str, Any]) -> Json:
    names = file_names_in(arguments["path"])
    path, offset, is_text = "/".join(names), arguments.get("offset", 0), arguments.get("as", "text") == "text"
    with workspace.opened() as root, folder(root, names[:-1]) as here, reading(here, names[-1], path) as file:
        size = os.fstat(file).st_size
        found = os.pread(file, arguments.get("limit", PIECE), offset)
    content, taken = _text(found, path) if is_text else (base64.b64encode(found).decode("ascii"), len(found))
    end = offset + taken
    is_whole = offset == 0 and end >= size
    return {
        "path": path,
        "content": content,
        "bytes": size,
        "sha256": sha256(found).hexdigest() if is_whole else None,
        "next_offset": end if found and end < size else None,
    }


def _text(found: bytes, path: str) -> tuple[str, int]:
    """With how many bytes it is: a character that the end cuts belongs to the next piece."""
    try:
        return _without_nul(found.decode(), path), len(found)
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data" or error.start < 1:
            raise not_text(path) from None
        return _without_nul(found[: error.start].decode(), path), error.start


def _without_nul(text: str, path: str) -> str:
    if "\0" in text:
        raise not_text(path)
    return text


def not_text(path: str) -> ToolError:
    return ToolError(f"{path} is not UTF-8 text from there on: read it as base64", "not_text")


def whole(file: int, path: str) -> bytes:
    """`ToolError` `file_too_large` for one that is longer than any these tools write."""
    parts: list[bytes] = []
    left = MAX_FILE + 1
    while left and (part := os.read(file, min(left, 1024 * 1024))):
        parts.append(part)
        left -= len(part)
    if not left:
        raise ToolError(f"{path} has more than {MAX_FILE:,} bytes", "file_too_large")
    return b"".join(parts)
