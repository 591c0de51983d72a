"""All that lies below a folder, in the order of its paths, without following a link."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

from domain.errors import ToolError
from infrastructure.tools.builtin.files.bounds import MAX_ENTRIES
from infrastructure.tools.builtin.files.entries import folder
from infrastructure.tools.builtin.files.names import DEEPEST, OURS

MOST_SEEN: Final = 4 * MAX_ENTRIES
"""What others put into a workspace is not counted beforehand: so many entries of it are looked at, and no more."""

Names: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """`within`: the open folder it is in, as long as the walk stands at it."""

    path: str
    name: str
    within: int
    status: os.stat_result

    @property
    def kind(self) -> str:
        mode = self.status.st_mode
        return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "link" if stat.S_ISLNK(mode) else "other"


class _Stand:
    """One open folder at a time, however deep: the way back begins above again."""

    def __init__(self, top: int) -> None:
        self._top, self._here = top, os.dup(top)
        self._at: Names = ()

    def at(self, names: Names) -> int:
        """`OSError` or `ToolError` when it is gone."""
        if names != self._at:
            below = self._at == names[:-1]
            with folder(self._here if below else self._top, names[-1:] if below else names) as found:
                before, self._here, self._at = self._here, os.dup(found), names
                os.close(before)
        return self._here

    def close(self) -> None:
        os.close(self._here)


def walk(here: int, prefix: str = "", *, recursive: bool = True, most: int | None = None) -> Iterator[Entry]:
    stand, most = _Stand(here), MOST_SEEN if most is None else most
    try:
        yield from islice(_walk(stand, (), prefix, DEEPEST if recursive else 0, most), most)
    finally:
        stand.close()


def _walk(stand: _Stand, at: Names, prefix: str, deeper: int, most: int) -> Iterator[Entry]:
    try:
        with os.scandir(stand.at(at)) as found:
            names = sorted(entry.name for entry in islice(found, most) if not entry.name.startswith(OURS))
    except (OSError, ToolError):  # gone, or no folder any more
        return
    for name in names:
        try:
            here = stand.at(at)
            entry = Entry(prefix + shown(name), name, here, os.stat(name, dir_fd=here, follow_symlinks=False))
        except (OSError, ToolError):  # gone meanwhile
            continue
        yield entry
        if deeper and entry.kind == "folder":
            yield from _walk(stand, (*at, name), f"{entry.path}/", deeper - 1, most)


def shown(name: str) -> str:
    """Others may have given it bytes that are no text."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Size:
    entries: int
    file_bytes: int


def size_of(here: int, most: int | None = None) -> Size:
    entries = total = 0
    for entry in walk(here, most=most):
        entries += 1
        total += entry.status.st_size if entry.kind == "file" else 0
    return Size(entries, total)
