"""Which folder is whose workspace."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from domain.errors import ToolError
from domain.ports.tools import ToolContext
from infrastructure.tools.builtin.files.entries import folder, opened
from infrastructure.tools.builtin.files.quota import Quota

_PLAIN: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}")


@dataclass(frozen=True, slots=True)
class Room:
    """An open workspace that nobody else writes to, in the open folder of its tenant."""

    here: int
    tenant: int
    quota: Quota

    def take(self, entries: int, file_bytes: int) -> None:
        """`ToolError` `tenant_full`."""
        self.quota.take(self.tenant, entries, file_bytes)


@dataclass(frozen=True, slots=True)
class Workspace:
    """One folder in that of its tenant, below the root; both names are ours."""

    root: Path
    tenant: str
    name: str
    quota: Quota

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Its descriptor; it is made when it is not there."""
        with self._room() as room:
            yield room.here

    @contextmanager
    def _room(self) -> Iterator[Room]:
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The root is the owner's, and may be a link.
            opening = opened(str(self.root.resolve(strict=True)))
            root = opening.__enter__()
        except OSError as error:
            raise ToolError(f"the folder of all workspaces cannot be used: {error.strerror}", "no_workspace", retryable=True) from None
        try:
            with folder(root, (self.tenant,), make=True) as tenant:
                if not _is_there(tenant, self.name):
                    self.quota.take(tenant, 1, 0)
                with folder(tenant, (self.name,), make=True) as here:
                    yield Room(here, tenant, self.quota)
        finally:
            opening.__exit__(None, None, None)

    @contextmanager
    def locked(self) -> Iterator[Room]:
        """As `opened`, and nobody else on this machine writes meanwhile."""
        with self._room() as room:
            fcntl.flock(room.here, fcntl.LOCK_EX)
            yield room  # let go of when the descriptor is closed


@dataclass(frozen=True, slots=True)
class Workspaces:
    """ROOT/TENANT/session-ID, or thread-ID for a run outside any session, or by-hand for a call outside any run."""

    root: Path | None
    quota: Quota = field(default_factory=Quota)

    def of(self, context: ToolContext) -> Workspace:
        if self.root is None:
            raise ToolError("there are no workspaces here: set WEFT_WORKSPACES to a folder for them", "no_workspace")
        if context.acting is not None:
            whose = _name(f"session-{context.acting.session}")
        elif context.thread is not None:
            whose = _name(f"thread-{context.thread}")
        elif context.run is not None:
            raise ToolError("the run has no thread, so no workspace", "no_workspace")
        else:
            whose = "by-hand"
        return Workspace(self.root, _name(context.tenant), whose, self.quota)


def _is_there(here: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=here, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _name(text: str) -> str:
    """The same for the same text, another for any other, on every file system."""
    return text if _PLAIN.fullmatch(text) else "_" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
