"""What a caller is offered: every workflow of its tenant in its newest version, the tenant's tools, and ours for runs."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog
from mcp_types import Tool, ToolAnnotations

from application.access import Principal
from application.desk import Desk
from application.errors import ValidationError
from application.offering import WorkflowSignature
from application.paging import PageOrder
from application.tool_views import ToolView
from application.tools import ToolFilters
from application.views import PageView
from application.workflow_views import WorkflowView
from interface.mcp import naming, runtools

log = structlog.get_logger(__name__)

V = TypeVar("V", WorkflowView, ToolView)
_PAGE: Final = 100
_WORKFLOWS, _TOOLS = "w", "t"
_MAY_BE_CHANGED: Final = re.compile(r"_[0-9a-f]{8}$")


@dataclass(frozen=True, slots=True)
class Offers:
    desk: Desk
    who: Principal

    async def page(self, cursor: str | None) -> tuple[list[Tool], str | None]:
        """Tools, and the cursor of the page behind them. The cursor says which list it is a cursor of."""
        listed = list(runtools.TOOLS) if cursor is None else []
        kind, rest = (cursor[:1], cursor[1:] or None) if cursor else (_WORKFLOWS, None)
        if kind == _WORKFLOWS:
            workflows = await self._workflows(rest)
            listed += [offer for one in workflows.items if (offer := await self._of_workflow(one)) is not None]
            if workflows.next_cursor:
                return listed, _WORKFLOWS + workflows.next_cursor
            rest = None
        tools = await self._tools(rest)
        listed += [_of_tool(one) for one in tools.items]
        return listed, tools.next_cursor and _TOOLS + tools.next_cursor

    async def workflow_called(self, offered: str) -> str | None:
        """The workflow that is meant, should there be one; None for what names none."""
        if not offered.startswith(naming.RUN):
            return None
        plain = offered.removeprefix(naming.RUN)
        return await _meant(offered, plain, self._workflows, naming.of_workflow) or plain

    async def tool_called(self, offered: str) -> str:
        return await _meant(offered, offered, self._tools, naming.of_tool) or offered

    async def _workflows(self, cursor: str | None) -> PageView[WorkflowView]:
        return await self.desk.list_workflows(self.who, PageOrder(limit=_PAGE, cursor=cursor))

    async def _tools(self, cursor: str | None) -> PageView[ToolView]:
        return await self.desk.tools.list(self.who, ToolFilters(limit=_PAGE, cursor=cursor))

    async def _of_workflow(self, listed: WorkflowView) -> Tool | None:
        whole = await self.desk.get_workflow(self.who, listed.name, listed.version)
        try:
            return _offered(whole, WorkflowSignature.of(whole))
        except ValidationError as error:  # published by a Weft that read documents otherwise
            log.warning("a workflow cannot be offered", workflow=listed.name, version=listed.version, reason=error.message)
            return None


async def _meant(offered: str, plain: str, page: Callable[[str | None], Awaitable[PageView[V]]], named: Callable[[str], str]) -> str | None:
    """What is offered under a name that is not its own has to be looked for."""
    if named(plain) == offered and not _MAY_BE_CHANGED.search(offered):
        return plain
    return await anext((one.name async for one in _all(page) if named(one.name) == offered), None)


async def _all(page: Callable[[str | None], Awaitable[PageView[V]]]) -> AsyncIterator[V]:
    cursor = None
    while True:
        found = await page(cursor)
        for one in found.items:
            yield one
        cursor = found.next_cursor
        if cursor is None:
            return


def _offered(workflow: WorkflowView, signature: WorkflowSignature) -> Tool:
    about = workflow.description or f"Runs the workflow {workflow.name}."
    return Tool(
        name=naming.of_workflow(workflow.name),
        title=workflow.name,
        description=f"{about}\n\nA run of the workflow {signature.id}. If it takes long or needs a person, the answer says what to do.",
        input_schema=signature.takes,
        output_schema=_output_or_standing(signature),
        _meta={"workflow": signature.id},
    )


def _output_or_standing(signature: WorkflowSignature) -> dict[str, object]:
    """What comes of the run; or how it stands, where it is not over."""
    output = {"properties": signature.gives, "required": list(signature.always)}
    standing = {name: part for name, part in runtools.STANDING.items() if name != "type"}
    return {"type": "object", "anyOf": [output, standing]}


def _of_tool(tool: ToolView) -> Tool:
    returns_object = tool.returns.get("type") == "object"
    return Tool(
        name=naming.of_tool(tool.name),
        title=tool.name,
        description=tool.description,
        input_schema={**tool.parameters, "type": "object"},
        output_schema=dict(tool.returns) if returns_object else None,
        annotations=ToolAnnotations(read_only_hint=tool.effects == "none", idempotent_hint=tool.effects != "once"),
    )
