"""One entry of an open folder, looked at and opened so that no link is followed, no device is touched and nothing waits.

A folder is held by its descriptor, and each name is looked up in it alone: what others swap meanwhile changes what is found, never where.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from domain.errors import ToolError

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@contextmanager
def opened(name: str, within: int | None = None) -> Iterator[int]:
    """The folder `name`. A link is none."""
    descriptor = os.open(name, _FOLDER, dir_fd=within)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def folder(root: int, names: Sequence[str], *, make: bool = False) -> Iterator[int]:
    """The folder below `root`, name by name; `make` those that are missing."""
    here = os.dup(root)
    try:
        for number, name in enumerate(names, 1):
            below = _below(here, name, "/".join(names[:number]), make)
            os.close(here)
            here = below
        yield here
    finally:
        os.close(here)


def _below(here: int, name: str, path: str, make: bool) -> int:
    if make:
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=here)
    try:
        return os.open(name, _FOLDER, dir_fd=here)
    except OSError as error:
        raise _refused(error, here, name, path) from None


def find(here: int, name: str, path: str) -> os.stat_result | None:
    """What stands there, when it is a plain file of one name; None when nothing does."""
    try:
        found = os.stat(name, dir_fd=here, follow_symlinks=False)
    except FileNotFoundError:
        return None
    must_be_plain(found, path)
    return found


def must_be_plain(found: os.stat_result, path: str) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise link_refused(path)
    if stat.S_ISDIR(found.st_mode):
        raise ToolError(f"{path} is a folder", "not_a_file")
    if not stat.S_ISREG(found.st_mode):
        raise ToolError(f"{path} is no file, but a device, a pipe or a socket", "not_a_file")
    if found.st_nlink > 1:
        raise ToolError(f"{path} has more names than this one, perhaps outside the workspace: it is left alone", "link_refused")


@contextmanager
def reading(here: int, name: str, path: str) -> Iterator[int]:
    """The file, open for reading. Looked at before, as to open a device is to touch it, and after, as it may be another by then."""
    if find(here, name, path) is None:
        raise file_not_found(path)
    try:
        descriptor = os.open(name, _READ, dir_fd=here)
    except OSError as error:
        raise _refused(error, here, name, path) from None
    try:
        must_be_plain(os.fstat(descriptor), path)
        yield descriptor
    finally:
        os.close(descriptor)


def file_not_found(path: str) -> ToolError:
    return ToolError(f"there is no {path} in the workspace", "file_not_found")


def link_refused(path: str) -> ToolError:
    return ToolError(f"{path} is a link: links are not followed here", "link_refused")


def _refused(error: OSError, here: int, name: str, path: str) -> ToolError:
    try:
        is_link = stat.S_ISLNK(os.stat(name, dir_fd=here, follow_symlinks=False).st_mode)
    except OSError:
        is_link = False
    if is_link or error.errno == errno.ELOOP:
        return link_refused(path)
    if error.errno == errno.ENOENT:
        return file_not_found(path)
    if error.errno == errno.ENOTDIR:
        return ToolError(f"{path} is no folder", "not_a_folder")
    return ToolError(f"{path} cannot be opened: {error.strerror}", "not_readable")
