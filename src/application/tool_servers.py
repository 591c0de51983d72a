"""Servers whose tools are called here: how they are, and which of their descriptions are approved."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from application.views import View, json_object
from domain.access import Principal, Role
from domain.errors import Forbidden
from domain.ids import DEFAULT_TENANT
from domain.ports.tool_servers import ToolServers
from domain.tool_servers import ServerState, ToolServer, WaitingTool

ToolName = Annotated[str, Field(min_length=1, max_length=1_000)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class WaitingToolView(View):
    """`tool`: as its server calls it. `description`: all that the server says of it now. `difference`: lines that went and came."""

    tool: str
    name: str
    digest: str
    is_new: bool
    description: dict[str, JsonValue]
    difference: list[str]

    @classmethod
    def of(cls, waiting: WaitingTool) -> "WaitingToolView":
        return cls(
            tool=waiting.tool,
            name=waiting.name,
            digest=waiting.digest,
            is_new=waiting.is_new,
            description=json_object(waiting.document),
            difference=list(waiting.difference),
        )


class ToolServerView(View):
    """`state`: of the connection of the process that answers. `tools`: names that may be called. `gone`: approved, and not offered now."""

    name: str
    transport: str
    state: ServerState
    since: datetime
    restarts: int
    last_error: str
    tools: list[str]
    waiting: list[WaitingToolView]
    gone: list[str]

    @classmethod
    def of(cls, server: ToolServer) -> "ToolServerView":
        return cls(
            name=server.name,
            transport=server.transport,
            state=server.state,
            since=server.since,
            restarts=server.restarts,
            last_error=server.last_error,
            tools=list(server.tools),
            waiting=[WaitingToolView.of(one) for one in server.waiting],
            gone=list(server.gone),
        )


class ToolServersView(View):
    """By name."""

    items: list[ToolServerView]


class ApproveOrder(BaseModel):
    """`tools`: the digest of each that was looked at, by the server's name of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    tools: Annotated[dict[ToolName, Digest], Field(min_length=1, max_length=1_000)]


class ForgetOrder(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    tools: Annotated[list[ToolName], Field(min_length=1, max_length=1_000)]


class ToolNamesView(View):
    tools: list[str]


@dataclass(frozen=True, slots=True)
class ToolServerDesk:
    """Servers are of the installation, and so is whoever looks after them: the owner's tenant."""

    servers: ToolServers

    async def list(self, who: Principal) -> ToolServersView:
        """Those that nobody has asked for yet are connected to first."""
        _must_be_owner(who, Role.OPERATOR)
        return ToolServersView(items=[ToolServerView.of(server) for server in await self.servers.servers()])

    async def approve(self, who: Principal, server: str, order: ApproveOrder) -> ToolNamesView:
        """For all tenants. `ToolDescriptionChanged` when one of them is not what was looked at; then none is approved."""
        _must_be_owner(who, Role.ADMIN)
        return ToolNamesView(tools=list(await self.servers.approve(server, order.tools, who.name)))

    async def forget(self, who: Principal, server: str, order: ForgetOrder) -> None:
        """They may not be called any more, by anybody, until they are approved again."""
        _must_be_owner(who, Role.ADMIN)
        await self.servers.forget(server, order.tools)


def _must_be_owner(who: Principal, role: Role) -> None:
    who.must_be(role)
    if who.tenant != DEFAULT_TENANT:
        raise Forbidden(f"servers are of the installation: only its owner's tenant, {DEFAULT_TENANT}, looks after them")
