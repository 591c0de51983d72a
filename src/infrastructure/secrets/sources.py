"""Where secrets lie: the environment, files, and what packages offer by the entry points `weft.secrets`."""

import asyncio
import logging
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, Protocol

from domain.errors import FactoryError
from domain.secret import LONGEST

GROUP: Final = "weft.secrets"
log = logging.getLogger(__name__)


class SecretSource(Protocol):
    async def get(self, name: str) -> str:
        """What lies at `name`, asked at every use: whoever keeps it may exchange it. `Unreadable` says why it cannot be had; what any
        other error says is shown to nobody."""


class Unreadable(Exception):
    """Says why, without a word of what would have been read."""


@dataclass(frozen=True, slots=True)
class Environment:
    variables: Mapping[str, str]

    async def get(self, name: str) -> str:
        found = self.variables.get(name)
        if found is None:
            raise Unreadable(f"the variable {name} is not set")
        return without_end(found)


class Files:
    async def get(self, name: str) -> str:
        return await asyncio.to_thread(text_of, Path(name))


def without_end(text: str) -> str:
    """A new line at the end, which editors put there, is no part of the secret."""
    return text.removesuffix("\n").removesuffix("\r")


def text_of(path: Path) -> str:
    """Blocks for as long as a small file takes. `Unreadable` says why not."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe that nobody writes to would wait for ever
            raise Unreadable("it is no file")
        with path.open("rb") as file:
            found = file.read(LONGEST + 1)
        if len(found) > LONGEST:
            raise Unreadable(f"it is longer than {LONGEST // 1024} KiB")
        return without_end(found.decode("utf-8"))
    except OSError as error:
        raise Unreadable(error.strerror or type(error).__name__) from None
    except UnicodeDecodeError:
        raise Unreadable("it is no text in UTF-8") from None


def sources_of(kinds: Iterable[str], variables: Mapping[str, str]) -> Mapping[str, SecretSource]:
    """Those that are asked for. Packages are looked up only for a kind that is not ours; `FactoryError` when none has it."""
    ours: dict[str, SecretSource] = {"env": Environment(variables), "file": Files()}
    return {kind: ours.get(kind) or _packaged(kind) for kind in sorted(set(kinds))}


def _packaged(kind: str) -> SecretSource:
    points = {point.name: point for point in entry_points(group=GROUP)}
    if kind not in points:
        known = ", ".join(sorted({"env", "file", *points}))
        raise FactoryError(f"no package keeps secrets as `{kind}:...`; there are {known}")
    try:
        source: SecretSource = points[kind].load()
    except Exception as error:
        log.warning("the source of secrets %s does not load", kind, exc_info=True)
        raise FactoryError(f"the source of secrets {kind} ({points[kind].value}) does not load: {type(error).__name__}: {error}") from error
    if not asyncio.iscoroutinefunction(getattr(source, "get", None)):
        raise FactoryError(f"{points[kind].value} of the group {GROUP} has no coroutine function `get`")
    return source
