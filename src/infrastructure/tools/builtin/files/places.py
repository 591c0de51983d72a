"""Which folder is whose workspace, and how much may lie in it."""

import fcntl
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from domain.errors import ToolError
from domain.ports.tools import ToolContext
from infrastructure.tools.builtin.files.entries import folder, opened

MAX_FILE: Final = 16 * 1024 * 1024
MAX_WORKSPACE: Final = 256 * 1024 * 1024
MAX_ENTRIES: Final = 5_000
_PLAIN: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}")


@dataclass(frozen=True, slots=True)
class Workspace:
    """One folder below the root; its names are ours."""

    root: Path
    names: tuple[str, ...]

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Its descriptor; it is made when it is not there."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The root is the owner's, and may be a link.
            opening = opened(str(self.root.resolve(strict=True)))
            root = opening.__enter__()
        except OSError as error:
            raise ToolError(f"the folder of all workspaces cannot be used: {error.strerror}", "no_workspace", retryable=True) from None
        try:
            with folder(root, self.names, make=True) as here:
                yield here
        finally:
            opening.__exit__(None, None, None)

    @contextmanager
    def locked(self) -> Iterator[int]:
        """As `opened`, and nobody else on this machine writes meanwhile."""
        with self.opened() as here:
            fcntl.flock(here, fcntl.LOCK_EX)
            yield here  # let go of when the descriptor is closed


@dataclass(frozen=True, slots=True)
class Workspaces:
    """ROOT/TENANT/session-ID, or thread-ID for a run outside any session, or by-hand for a call outside any run."""

    root: Path | None

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
        return Workspace(self.root, (_name(context.tenant), whose))


def _name(text: str) -> str:
    """The same for the same text, another for any other, on every file system."""
    return text if _PLAIN.fullmatch(text) else "_" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
