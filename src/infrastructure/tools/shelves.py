"""What tenants have registered, as a process knows it: looked at now and then, and made into a tool when somebody asks for that one."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from domain.errors import FactoryError, ValidationError
from domain.ids import TenantId
from domain.ports.clock import Clock
from domain.ports.tools import RegisteredTools
from domain.registered import RegisteredTool, Revision
from infrastructure.tools.calling import CheckedTool

if TYPE_CHECKING:  # loaded with the first tool that is asked for
    from infrastructure.tools.described import Described

LOOKED_SECONDS: Final = 1.0
"""So long what a tenant has registered is taken for what it still is."""
MOST_MADE: Final = 50_000
"""Tools of all tenants that are kept ready; others are made again."""
AT_A_TIME: Final = 500
"""Documents that are loaded between two turns of the loop."""
SERVERS: Final = "__"
"""Stands between a server and its tool, and in no other name."""
log = logging.getLogger(__name__)


def reserved(name: str) -> str:
    """Why nobody may register a tool of this name, or ""."""
    if SERVERS not in name:
        return ""
    server = name.partition(SERVERS)[0]
    return f"{name} reads as a tool of the server {server}: only such names have `{SERVERS}` in them, call yours something else"


class MadeTools:
    """The least recently used go when there are more than `most`; a string says why a tool cannot be used, should another version of Weft
    have taken it."""

    def __init__(self, described: "Described", most: int = MOST_MADE) -> None:
        self._described, self._most = described, most
        self._kept: OrderedDict[tuple[TenantId, str, datetime], CheckedTool | str] = OrderedDict()

    def of(self, one: RegisteredTool) -> CheckedTool | str:
        key = (one.tenant, one.name, one.updated_at)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = self._make(one)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return found

    def _make(self, one: RegisteredTool) -> CheckedTool | str:
        if why := reserved(one.name):
            return why
        try:
            return self._described.checked(one.document)
        except (FactoryError, ValidationError) as error:
            log.warning("the registered tool %s of %s cannot be used", one.name, one.tenant, exc_info=True)
            return f"the tool {one.name} cannot be used any more: {error.message}"


class Shelf(Mapping[str, CheckedTool | str]):
    """Of one tenant, as of the last look. Whoever holds it sees what later looks find."""

    def __init__(self, tenant: TenantId, registered: RegisteredTools, made: MadeTools, clock: Clock) -> None:
        self._tenant, self._registered, self._made, self._clock = tenant, registered, made, clock
        self._documents: Mapping[str, RegisteredTool] = {}
        self._revision: Revision | None = None
        self._changes = 0
        self._seen, self._looked_at = -1, 0.0
        self._looking = asyncio.Lock()

    def __getitem__(self, name: str) -> CheckedTool | str:
        return self._made.of(self._documents[name])

    def __contains__(self, name: object) -> bool:
        return name in self._documents

    def __iter__(self) -> Iterator[str]:
        return iter(self._documents)

    def __len__(self) -> int:
        return len(self._documents)

    def forget(self) -> None:
        """Something has changed: a look that is under way may have missed it."""
        self._changes += 1

    async def look(self) -> None:
        """At most once a second, and once for all who wait, unless something has changed."""
        changes = self._changes
        if self._has_seen(changes):
            return
        async with self._looking:
            if not self._has_seen(changes):
                await self._look()

    def _has_seen(self, changes: int) -> bool:
        return self._seen >= changes and self._clock.monotonic() - self._looked_at <= LOOKED_SECONDS

    async def _look(self) -> None:
        changes, at = self._changes, self._clock.monotonic()
        revision = await self._registered.revision(self._tenant)
        if revision != self._revision:
            self._documents, self._revision = await self._loaded(), revision
        self._seen, self._looked_at = changes, at

    async def _loaded(self) -> Mapping[str, RegisteredTool]:
        """Only what has changed comes from the database."""
        now, known = await self._registered.stamps(self._tenant), self._documents
        found = {name: known[name] for name, changed in now.items() if name in known and known[name].updated_at == changed}
        new = [name for name in now if name not in found]
        for at in range(0, len(new), AT_A_TIME):
            found |= {one.name: one for one in await self._registered.of(self._tenant, new[at : at + AT_A_TIME])}
            await asyncio.sleep(0)
        return found
