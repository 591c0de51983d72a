"""Paths in a workspace as they are given: names with `/` between them, each of which names an entry of the folder before it."""

from typing import Final

from domain.errors import ToolError
from domain.json import JsonObject

LONGEST_PATH: Final = 1_024
LONGEST_NAME: Final = 255
"""Bytes, as file systems count."""
DEEPEST: Final = 32
OURS: Final = ".weft-"
"""What begins so is kept by the tools themselves: nobody else names it."""
PATH: Final[JsonObject] = {
    "type": "string",
    "minLength": 1,
    "maxLength": LONGEST_PATH,
    "description": "Within the workspace, as `notes/today.md`.",
}


def names_in(path: str) -> tuple[str, ...]:
    """`ToolError` `outside_workspace` for what would lead out, `invalid_path` for what no file is called. None: the workspace itself."""
    if path.startswith("/") or ".." in path.split("/"):
        raise ToolError(
            f"{path!r} leads out of the workspace: say a path within it, without `..` and without `/` before it", "outside_workspace"
        )
    names = tuple(name for name in path.split("/") if name not in ("", "."))
    objection = _objection(path, names)
    if objection:
        raise ToolError(f"{path[:200]!r} is no path within a workspace: {objection}", "invalid_path")
    return names


def file_names_in(path: str) -> tuple[str, ...]:
    """As `names_in`, of a file: there is at least one."""
    names = names_in(path)
    if not names or path.endswith(("/", "/.")):
        raise ToolError(f"{path!r} names a folder, not a file", "not_a_file")
    return names


def _objection(path: str, names: tuple[str, ...]) -> str:
    if not path.isprintable() or "\\" in path:
        return "control characters and `\\` are in no name here"
    if len(names) > DEEPEST:
        return f"it is deeper than {DEEPEST} folders"
    if any(name.startswith(OURS) for name in names):
        return f"names that begin with {OURS} are kept by the tools themselves"
    if len(path) > LONGEST_PATH or any(len(name.encode("utf-8", "surrogatepass")) > LONGEST_NAME for name in names):
        return f"a name has at most {LONGEST_NAME} bytes, a path {LONGEST_PATH} characters"
    return ""
