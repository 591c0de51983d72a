"""`files_write`: a whole file, put in place of what was there at once or not at all."""

import base64
import binascii
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from typing import Any, Final

from domain.errors import ToolError
from domain.json import Json, JsonObject
from domain.tool import Effects, Tool, ToolMetadata, ToolType
from infrastructure.tools.builtin.files.bounds import MAX_ENTRIES, MAX_FILE, MAX_WORKSPACE
from infrastructure.tools.builtin.files.entries import find, folder, reading
from infrastructure.tools.builtin.files.names import OURS, PATH, file_names_in
from infrastructure.tools.builtin.files.places import Room, Workspace
from infrastructure.tools.builtin.files.reading import whole
from infrastructure.tools.builtin.files.walking import size_of

ABSENT: Final = "absent"
UNFINISHED: Final = OURS + "unfinished-"
EXPECT: Final[JsonObject] = {
    "type": "string",
    "pattern": f"^([0-9a-f]{{64}}|{ABSENT})$",
    "description": f"The SHA-256 that the file must have until now, or `{ABSENT}`; otherwise nothing is written.",
}
WRITTEN: Final[JsonObject] = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "bytes": {"type": "integer"},
        "sha256": {"type": "string"},
        "created": {"type": "boolean", "description": "There was none before."},
    },
    "required": ["path", "bytes", "sha256", "created"],
    "additionalProperties": False,
}

WRITE: Final = Tool(
    name="files_write",
    tool_type=ToolType.BUILTIN,
    metadata=ToolMetadata(
        "Writes a file of the run's workspace, with the folders on its way, in place of what was there.", tags=("files",)
    ),
    effects=Effects.IDEMPOTENT,
    parameters={
        "type": "object",
        "properties": {
            "path": PATH,
            "content": {"type": "string", "maxLength": MAX_FILE},
            "as": {"enum": ["text", "base64"], "default": "text", "description": "What `content` is."},
            "expect": EXPECT,
        },
        "required": ["path", "content"],
        "additionalProperties": False,
    },
    returns=WRITTEN,
    examples=(
        {
            "arguments": {"path": "notes/today.md", "content": "Water the plants.\n"},
            "output": {
                "path": "notes/today.md",
                "bytes": 18,
                "sha256": "c1f759a102d8226451b67f7182fd34b433c587d9bb258818e9ab26c2593b07b8",
                "created": True,
            },
        },
    ),
)


def write_file(workspace: Workspace, arguments: Mapping[str, Any]) -> Json:
    names, content = file_names_in(arguments["path"]), _content(arguments)
    path, digest = "/".join(names), sha256(content).hexdigest()
    with workspace.locked() as room, _made(room, names[:-1]) as here:
        before = find(here, names[-1], path)
        now = (
            digest_of(here, names[-1], path) if before is not None and (before.st_size == len(content) or "expect" in arguments) else ABSENT
        )
        if now != digest:
            if "expect" in arguments and now != arguments["expect"]:
                raise ToolError(f"{path} is not what was expected: read it again (SHA-256 {now})", "file_changed")
            put(room, here, names[-1], content)
    return {"path": path, "bytes": len(content), "sha256": digest, "created": before is None}


def put(room: Room, here: int, name: str, content: bytes) -> None:
    """Durable when it returns; until then the old file stands. A link that somebody put there meanwhile is itself replaced."""
    _must_fit(room, here, name, len(content))
    root: int = room.here
    for left in [entry for entry in os.listdir(root) if entry.startswith(UNFINISHED)]:
        os.unlink(left, dir_fd=root)  # of somebody who ended in between: nobody else writes now
    unfinished = UNFINISHED + secrets.token_hex(8)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(unfinished, flags, 0o600, dir_fd=root), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.rename(unfinished, name, src_dir_fd=root, dst_dir_fd=here)
    os.fsync(here)


def _content(arguments: Mapping[str, Any]) -> bytes:
    try:
        written: str = arguments["content"]
        content = base64.b64decode(written, validate=True) if arguments.get("as") == "base64" else written.encode()
    except (binascii.Error, ValueError) as error:  # half a surrogate is no UTF-8
        raise ToolError(f"`content` cannot be written: {error}", "invalid_arguments") from None
    if len(content) > MAX_FILE:
        raise ToolError(f"a file has at most {MAX_FILE:,} bytes", "file_too_large")
    return content


def _made(room: Room, names: Sequence[str]) -> AbstractContextManager[int]:
    """Folders are entries too: they are counted before they are made."""
    if names and not _is_there(room.here, names):
        if size_of(room.here).entries + len(names) >= MAX_ENTRIES:
            raise _full()
        room.take(len(names), 0)
    return folder(room.here, names, make=True)


def _is_there(root: int, names: Sequence[str]) -> bool:
    try:
        with folder(root, names):
            return True
    except ToolError as error:
        if error.code != "file_not_found":
            raise
        return False


def _must_fit(room: Room, here: int, name: str, length: int) -> None:
    size, before = size_of(room.here), find(here, name, name)
    more = length - (before.st_size if before else 0)
    if before is None and size.entries >= MAX_ENTRIES:
        raise _full()
    if size.file_bytes + more > MAX_WORKSPACE:
        raise ToolError(f"the files of the workspace would have more than {MAX_WORKSPACE:,} bytes", "workspace_full")
    room.take(0 if before else 1, more)


def _full() -> ToolError:
    return ToolError(f"the workspace takes {MAX_ENTRIES:,} files and folders, and has no room for more", "workspace_full")


def digest_of(here: int, name: str, path: str) -> str:
    with reading(here, name, path) as file:
        return sha256(whole(file, path)).hexdigest()
