"""`files_patch`: some places of a text file, all of them or none."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

from domain.errors import ToolError
from domain.json import Json
from domain.tool import Effects, Tool, ToolMetadata, ToolType
from infrastructure.tools.builtin.files.bounds import MAX_FILE
from infrastructure.tools.builtin.files.entries import file_not_found, find, folder, reading
from infrastructure.tools.builtin.files.names import OURS, PATH, file_names_in
from infrastructure.tools.builtin.files.places import Room, Workspace
from infrastructure.tools.builtin.files.reading import not_text, whole
from infrastructure.tools.builtin.files.writing import EXPECT, WRITTEN, digest_of, put

MOST_EDITS: Final = 100
DONE: Final = OURS + "patched"
"""What the newest patches made, by their keys: whoever comes again with a key finds it done."""
KEPT: Final = 200

PATCH: Final = Tool(
    name="files_patch",
    tool_type=ToolType.BUILTIN,
    metadata=ToolMetadata(
        "Replaces texts in a file of the run's workspace. Each must be there once when its turn comes; if one is not, nothing changes.",
        tags=("files",),
    ),
    effects=Effects.IDEMPOTENT,
    parameters={
        "type": "object",
        "properties": {
            "path": PATH,
            "edits": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_EDITS,
                "items": {
                    "type": "object",
                    "properties": {"find": {"type": "string", "minLength": 1}, "replace": {"type": "string"}},
                    "required": ["find", "replace"],
                    "additionalProperties": False,
                },
            },
            "expect": EXPECT,
        },
        "required": ["path", "edits"],
        "additionalProperties": False,
    },
    returns=WRITTEN,
    examples=(
        {
            "arguments": {"path": "notes/today.md", "edits": [{"find": "plants", "replace": "flowers"}]},
            "output": {
                "path": "notes/today.md",
                "bytes": 19,
                "sha256": "654e7dd979c638b7649fad4cb971b19f1b719e91561d01a79f68c3d677be8063",
                "created": False,
            },
        },
    ),
)


class Made(NamedTuple):
    """A patch as it is put down. `before`, `after`: SHA-256 of the file."""

    path: str
    before: str
    after: str
    bytes: int

    @property
    def answer(self) -> Json:
        return {"path": self.path, "bytes": self.bytes, "sha256": self.after, "created": False}


def patch_file(workspace: Workspace, arguments: Mapping[str, Any], key: str) -> Json:
    names = file_names_in(arguments["path"])
    path = "/".join(names)
    call = sha256(json.dumps([key, path, arguments["edits"]], sort_keys=True).encode()).hexdigest()
    with workspace.locked() as room:
        made = _all_made(room.here)
        if call in made and not _is_unmade(room.here, names, made, call):
            return made[call].answer
        with folder(room.here, names[:-1]) as here:
            with reading(here, names[-1], path) as file:
                before = whole(file, path)
            now = sha256(before).hexdigest()
            if arguments.get("expect", now) != now:
                raise ToolError(f"{path} is not what was expected: read it again (SHA-256 {now})", "file_changed")
            after = _edited(before, arguments["edits"], path)
            mine = Made(path, now, sha256(after).hexdigest(), len(after))
            # Put down before the file: a patch of which only this is left was not made, and is made again.
            _put_down(room, made, call, mine)
            put(room, here, names[-1], after)
    return mine.answer


def _is_unmade(root: int, names: Sequence[str], made: dict[str, Made], call: str) -> bool:
    """Was somebody ended between putting it down and the file? Then it is the newest of its file, and the file is as it was."""
    mine = made[call]
    if call != _newest(made, mine.path):
        return False
    try:
        with folder(root, names[:-1]) as here:
            return digest_of(here, names[-1], mine.path) == mine.before
    except ToolError as error:
        if error.code != "file_not_found":
            raise
        return False


def _put_down(room: Room, made: dict[str, Made], call: str, mine: Made) -> None:
    last = _newest(made, mine.path)
    if last is not None and made[last].before == mine.before:
        del made[last]  # it was not made, and is not taken for made when the file is another
    kept = list({**made, call: mine}.items())[-KEPT:]
    put(room, room.here, DONE, json.dumps(dict(kept)).encode())


def _newest(made: dict[str, Made], path: str) -> str | None:
    return next((call for call in reversed(made) if made[call].path == path), None)


def _edited(before: bytes, edits: Sequence[Mapping[str, str]], path: str) -> bytes:
    try:
        text = before.decode()
        for number, edit in enumerate(edits, 1):
            text = _replaced(text, edit, f"edit {number} of {path}")
            if len(text) > MAX_FILE:
                raise ToolError(f"{path} would have more than {MAX_FILE:,} bytes", "file_too_large")
        after = text.encode()
    except UnicodeDecodeError:
        raise not_text(path) from None
    except UnicodeEncodeError as error:
        raise ToolError(f"an edit cannot be written: {error}", "invalid_arguments") from None
    if len(after) > MAX_FILE:
        raise ToolError(f"{path} would have more than {MAX_FILE:,} bytes", "file_too_large")
    return after


def _replaced(text: str, edit: Mapping[str, str], which: str) -> str:
    found = text.find(edit["find"])
    if found < 0:
        raise ToolError(f"{which}: what it wants to replace is not there", "edit_not_found")
    if text.find(edit["find"], found + 1) >= 0:
        raise ToolError(f"{which}: what it wants to replace is there more than once: say more of what stands around it", "edit_not_unique")
    return text[:found] + edit["replace"] + text[found + len(edit["find"]) :]


def _all_made(root: int) -> dict[str, Made]:
    """The oldest first."""
    if find(root, DONE, DONE) is None:
        return {}
    try:
        with reading(root, DONE, DONE) as file:
            found: dict[str, list[Any]] = json.loads(whole(file, DONE))
    except FileNotFoundError:
        raise file_not_found(DONE) from None
    return {call: Made(*one) for call, one in found.items()}
