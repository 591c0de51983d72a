"""Which descriptions of one server's tools somebody has approved, and what the server says now."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Final

from domain.errors import ToolDescriptionChanged, ToolError
from domain.json import JsonObject
from domain.ports.clock import Clock
from domain.ports.pins import ToolPins
from domain.registered import ToolPin
from domain.tool_servers import WaitingTool
from infrastructure.tools.mcp.documents import difference
from infrastructure.tools.mcp.naming import name_of
from infrastructure.tools.mcp.settings import ServerPart

FRESH_SECONDS: Final = 2.0
"""So long what is approved is taken for what it still is: other processes approve, too."""
FIRST_USE: Final = "first use"
FORGOTTEN: Final = ""
"""The digest of a tool whose approval was taken back: no description has it, and its server stays one that was seen."""
Offered = Mapping[str, tuple[JsonObject, str]]


class Approvals:
    """`pins` is what models are shown; `offered` is None until the server has said what it has. `is_known`: somebody has seen it before."""

    def __init__(self, server: str, part: ServerPart, kept: ToolPins, clock: Clock) -> None:
        self._server, self._part, self._kept, self._clock = server, part, kept, clock
        self.pins: Mapping[str, ToolPin] = {}
        self.offered: Offered | None = None
        self.is_known = False
        self._read_at: float | None = None

    async def read(self) -> None:
        kept = await self._kept.of(self._server)
        pins = {pin.tool: pin for pin in kept if pin.digest != FORGOTTEN}
        self.is_known = bool(kept)
        self.pins = self.pins if pins == self.pins else pins
        self._read_at = self._clock.monotonic()

    async def refresh(self) -> None:
        if self._read_at is None or self._clock.monotonic() - self._read_at > FRESH_SECONDS:
            await self.read()

    async def hear(self, offered: Offered) -> None:
        """A server that nobody knows is trusted once, where its owner says so."""
        await self.read()
        if not self.is_known and self._part.approve == "first":
            await self._kept.pin(self._made(offered, FIRST_USE), replacing=False)
            await self.read()
        self.offered = offered

    async def approve(self, digests: Mapping[str, str], by: str) -> None:
        """`ToolDescriptionChanged` when one of them is not what the server says now; then none is approved."""
        offered = self.offered or {}
        moved = sorted(tool for tool, digest in digests.items() if tool not in offered or offered[tool][1] != digest)
        if moved:
            message = f"{self._server} describes {', '.join(moved)} in other words by now, or no more: look again, then approve"
            raise ToolDescriptionChanged(message)
        await self._kept.pin(self._made({tool: offered[tool] for tool in digests}, by), replacing=True)
        await self.read()

    async def forget(self, tools: Iterable[str]) -> None:
        """They stay known, so that what the server says of them next is not taken for what it says first."""
        await self.read()
        pins = self._made({tool: ({}, FORGOTTEN) for tool in tools if tool in self.pins}, "")
        await self._kept.pin(pins, replacing=True)
        await self.read()

    async def must_be_approved(self, tool: str) -> None:
        """`ToolError`, with what changed and how to approve of it. What another process approved or forgot is known two seconds later."""
        try:
            await self.refresh()
        # Whatever a database makes of a question: nothing was done.
        except Exception as error:
            message = f"whether {tool} of {self._server} is approved cannot be looked up right now"
            raise ToolError(message, "server_unavailable", retryable=True) from error
        objection = self._objection(tool)
        if objection is not None:
            raise objection

    def waiting(self) -> tuple[WaitingTool, ...]:
        """To be shown: what changed of each is worked out here."""
        return tuple(map(self._waiting, self.waits()))

    def waits(self) -> tuple[str, ...]:
        """As the server calls them."""
        return tuple(tool for tool in sorted(self.offered or {}) if self._is_wanted(tool) and not self._is_approved(tool))

    def gone(self) -> tuple[str, ...]:
        return () if self.offered is None else tuple(sorted(tool for tool in self.pins if tool not in self.offered))

    def wanted(self) -> Iterable[ToolPin]:
        return (pin for pin in self.pins.values() if self._is_wanted(pin.tool))

    def _objection(self, tool: str) -> ToolError | None:
        if self.offered is None or self._is_approved(tool):
            return None
        if tool not in self.offered:
            return ToolError(f"{self._server} has no tool {tool} any more", "tool_gone")
        found = self._waiting(tool)
        how = f"look at it and approve: weft tools approve {self._server} {tool}"
        if found.is_new:
            return ToolError(f"nobody has approved the tool {tool} of {self._server}; {how}", "tool_changed")
        said = "; ".join(found.difference[:6])
        return ToolError(f"{self._server} describes {tool} in other words than those that were approved ({said}); {how}", "tool_changed")

    def _is_approved(self, tool: str) -> bool:
        pin, offered = self.pins.get(tool), (self.offered or {}).get(tool)
        return pin is not None and offered is not None and pin.digest == offered[1]

    def _is_wanted(self, tool: str) -> bool:
        return any(fnmatchcase(tool, pattern) for pattern in self._part.tools)

    def _waiting(self, tool: str) -> WaitingTool:
        document, digest = (self.offered or {})[tool]
        pin = self.pins.get(tool)
        changed = difference({} if pin is None else pin.document, document)
        return WaitingTool(tool, name_of(self._server, tool), digest, pin is None, document, changed)

    def _made(self, offered: Offered, by: str) -> list[ToolPin]:
        now = self._clock.now()
        return [ToolPin(self._server, tool, digest, document, by, now) for tool, (document, digest) in offered.items()]
