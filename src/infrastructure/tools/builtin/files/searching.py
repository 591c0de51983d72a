"""`files_search`: lines of the workspace's files that have a text, or fit a regular expression whose engine never goes back."""

from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any, Final

import jsonschema_rs

from domain.errors import ToolError
from domain.json import Json
from domain.tool import Tool, ToolMetadata, ToolType
from infrastructure.cel.regex_weight import MAX_WEIGHT, regex_weight
from infrastructure.tools.builtin.files.bounds import MAX_FILE
from infrastructure.tools.builtin.files.entries import folder, reading
from infrastructure.tools.builtin.files.listing import FOLDER, PATTERN
from infrastructure.tools.builtin.files.names import names_in
from infrastructure.tools.builtin.files.places import Workspace
from infrastructure.tools.builtin.files.reading import PIECE, whole
from infrastructure.tools.builtin.files.walking import Entry, walk

MOST_SEARCHED: Final = 32 * 1024 * 1024
LONGEST_LINE: Final = 10_000
"""Characters of a line that are looked at."""
SHOWN: Final = 400
MATCHES: Final = 100
REGEX_BYTES: Final = 200_000
Fits = Callable[[str], bool]

SEARCH: Final = Tool(
    name="files_search",
    tool_type=ToolType.BUILTIN,
    metadata=ToolMetadata("Finds lines in the text files of the run's workspace.", tags=("files",)),
    parameters={
        "type": "object",
        "properties": {
            "text": {"type": "string", "minLength": 1, "maxLength": 1_000, "description": "Lines that have it as it stands."},
            "regex": {"type": "string", "minLength": 1, "maxLength": 200, "description": "Lines it fits somewhere; in place of `text`."},
            "ignore_case": {"type": "boolean", "default": False},
            "folder": FOLDER,
            "pattern": PATTERN,
            "limit": {"type": "integer", "minimum": 1, "maximum": 1_000, "default": MATCHES},
        },
        "oneOf": [{"required": ["text"]}, {"required": ["regex"]}],
        "additionalProperties": False,
    },
    returns={
        "type": "object",
        "properties": {
            "matches": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "path": {"type": "string"},
                        "line": {"type": "integer", "description": "From 1."},
                        "text": {"type": "string", "description": f"The line, {SHOWN} characters of it at most."},
                    },
                    "required": ["path", "line", "text"],
                    "additionalProperties": False,
                },
            },
            "searched": {"type": "integer", "description": "Files that were read."},
            "complete": {"type": "boolean", "description": "False: there was more to find, or to search, than is allowed at once."},
        },
        "required": ["matches", "searched", "complete"],
        "additionalProperties": False,
    },
    examples=(
        {
            "arguments": {"text": "plants", "pattern": "*.md"},
            "output": {"matches": [{"path": "notes/today.md", "line": 1, "text": "Water the plants."}], "searched": 1, "complete": True},
        },
    ),
)


def search_files(workspace: Workspace, arguments: Mapping[str, Any]) -> Json:
    names, limit = names_in(arguments.get("folder", "")), arguments.get("limit", MATCHES)
    search = _Search(_fits(arguments), arguments.get("pattern", "*"))
    with workspace.opened() as root, folder(root, names) as here:
        found = list(islice(search.matches(walk(here, "".join(f"{name}/" for name in names))), limit + 1))
    return {"matches": found[:limit], "searched": search.files, "complete": len(found) <= limit and search.complete}


def _fits(arguments: Mapping[str, Any]) -> Fits:
    ignore_case = arguments.get("ignore_case", False)
    if "regex" in arguments:
        return _regex(f"(?i){arguments['regex']}" if ignore_case else arguments["regex"])
    text: str = arguments["text"]
    if ignore_case:
        folded = text.casefold()
        return lambda line: folded in line.casefold()
    return lambda line: text in line


def _regex(pattern: str) -> Fits:
    if regex_weight(pattern) > MAX_WEIGHT:
        raise ToolError("the regular expression is too big: fewer repetitions, smaller classes", "invalid_regex")
    try:
        engine = jsonschema_rs.RegexOptions(size_limit=REGEX_BYTES)
        return jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=engine).is_valid
    except (jsonschema_rs.ValidationError, ValueError) as error:
        raise ToolError(f"{pattern!r} is no regular expression that can be searched with (no look-around)", "invalid_regex") from error


@dataclass(slots=True)
class _Search:
    fits: Fits
    pattern: str
    files: int = 0
    left: int = MOST_SEARCHED
    complete: bool = True

    def matches(self, entries: Iterator[Entry]) -> Iterator[Json]:
        for entry in entries:
            if entry.kind != "file" or entry.status.st_nlink > 1 or not fnmatchcase(entry.path, self.pattern):
                continue
            if entry.status.st_size > MAX_FILE:
                self.complete = False
            elif entry.status.st_size > self.left:
                self.complete = False
                return
            else:
                yield from self._in_file(entry)

    def _in_file(self, entry: Entry) -> Iterator[Json]:
        try:
            with reading(entry.within, entry.name, entry.path) as file:
                found = whole(file, entry.path)
        except (ToolError, OSError):  # gone or another by now: nothing to be found in
            return
        if not _is_utf8(found):
            return
        self.left -= len(found)
        self.files += 1
        if b"\0" in found:
            return
        for number, line in enumerate(_lines(found), 1):
            if self.fits(line[:LONGEST_LINE]):
                yield {"path": entry.path, "line": number, "text": line[:SHOWN].rstrip("\r")}


def _is_utf8(found: bytes) -> bool:
    decoder = getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(found), PIECE):
            decoder.decode(found[start : start + PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _lines(found: bytes) -> Iterator[str]:
    """One at a time, and no more of each than is looked at: all at once would take many times what the file takes."""
    start = 0
    while start <= len(found):
        end = found.find(b"\n", start)
        end = len(found) if end < 0 else end
        yield found[start : min(end, start + 4 * LONGEST_LINE)].decode(errors="ignore")
        start = end + 1
