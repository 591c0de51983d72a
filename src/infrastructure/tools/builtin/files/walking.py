"""All that lies below a folder, in the order of its paths, without following a link."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from infrastructure.tools.builtin.files.entries import opened
from infrastructure.tools.builtin.files.names import DEEPEST, OURS
from infrastructure.tools.builtin.files.places import MAX_ENTRIES

MOST_SEEN: Final = 4 * MAX_ENTRIES
"""What others put into a workspace is not counted beforehand: so many entries of it are looked at, and no more."""


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


def walk(here: int, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
    return islice(_walk(here, prefix, DEEPEST if recursive else 0), MOST_SEEN)


def _walk(here: int, prefix: str, deeper: int) -> Iterator[Entry]:
    with os.scandir(here) as found:
        names = sorted(entry.name for entry in islice(found, MOST_SEEN) if not entry.name.startswith(OURS))
    for name in names:
        try:
            entry = Entry(prefix + shown(name), name, here, os.stat(name, dir_fd=here, follow_symlinks=False))
        except FileNotFoundError:  # gone meanwhile
            continue
        yield entry
        if deeper and entry.kind == "folder":
            yield from _below(entry, deeper - 1)


def shown(name: str) -> str:
    """Others may have given it bytes that are no text."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _below(entry: Entry, deeper: int) -> Iterator[Entry]:
    opening = opened(entry.name, entry.within)
    try:
        below = opening.__enter__()
    except OSError:  # gone, or no folder any more
        return
    try:
        yield from _walk(below, f"{entry.path}/", deeper)
    finally:
        opening.__exit__(None, None, None)


@dataclass(frozen=True, slots=True)
class Size:
    entries: int
    file_bytes: int


def size_of(here: int) -> Size:
    entries = total = 0
    for entry in walk(here):
        entries += 1
        total += entry.status.st_size if entry.kind == "file" else 0
    return Size(entries, total)
