"""One call of a server's tool: over a connection that may be lost in the middle of it."""

from dataclasses import dataclass
from typing import Final

from domain.errors import ToolError
from domain.json import Json
from domain.ports.tools import ToolContext
from domain.tool import Effects, Tool
from infrastructure.tools.mcp.approvals import Approvals
from infrastructure.tools.mcp.connection import KeptConnection
from infrastructure.tools.mcp.losing import ConnectionLost
from infrastructure.tools.mcp.results import output_of
from infrastructure.tools.mcp.secrets import OWNER

TRIES: Final = 3
WAIT_SECONDS: Final = 30.0
"""For a server that is down, where the call has so much time."""
KEPT_BACK: Final = 0.1
"""Of a call's time, so that it is told that there is no server and not that there is no answer."""
IDEMPOTENCY_KEY: Final = "weft/idempotency-key"


@dataclass(frozen=True, slots=True)
class ServerCall:
    """`infrastructure.tools.runnable.Run`. `named`: the tool, as the server calls it."""

    server: str
    named: str
    tool: Tool
    connection: KeptConnection
    approvals: Approvals

    async def __call__(self, arguments: dict[str, Json], context: ToolContext) -> Json:
        """A connection that is lost in the middle: what may be called again is, on the next one; what may not ends as `tool_died`, so that
        a person decides."""
        reason = ""
        for _ in range(TRIES):
            try:
                return await self._once(arguments, context)
            except ConnectionLost as error:
                reason = self._why(error, context)
                if self.tool.effects is Effects.ONCE and not error.refused:
                    message = f"{self.server} was lost in the middle of a call of {self.named}, and may have done it{reason}"
                    raise ToolError(message, "tool_died") from error
        raise ToolError(f"{self.server} was lost {TRIES} times in a row{reason}", "server_unavailable", retryable=True)

    async def _once(self, arguments: dict[str, Json], context: ToolContext) -> Json:
        deadline = context.deadline_seconds
        try:
            session = await self.connection.ready(WAIT_SECONDS if deadline is None else min(WAIT_SECONDS, deadline * (1 - KEPT_BACK)))
        except ConnectionLost as error:
            raise ToolError(f"{self.server} cannot be reached{self._why(error, context)}", "server_unavailable", retryable=True) from error
        await self.approvals.must_be_approved(self.named)
        meta = {IDEMPOTENCY_KEY: context.idempotency_key, "traceparent": context.traceparent}
        return output_of(await session.call(self.named, arguments, meta, context.tell), self.tool.limits.output_bytes)

    def _why(self, error: ConnectionLost, context: ToolContext) -> str:
        """For the owner only: it may speak of machines, files and settings that are nobody else's."""
        return f": {error}" if context.tenant == OWNER else ""
