"""A typed Python function as a tool: its schemas from its signature, its words from its docstring."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from domain.declaring import declaration_of
from domain.errors import FactoryError
from domain.json import Json
from domain.ports.tools import ToolContext
from domain.tool import Tool, ToolMetadata, ToolType
from infrastructure.tools.docstrings import summary
from infrastructure.tools.lines import lines_of
from infrastructure.tools.runnable import RunnableTool
from infrastructure.tools.signatures import Signature, read_signature
from infrastructure.tools.threads import in_a_spare_thread

WORDLESS: Final = "(no description)"


def native_tool(function: Callable[..., object], name: str | None = None) -> RunnableTool:
    """`function`, plain (it runs in a thread) or async, as a tool. `name`: what it is registered as.

    `FactoryError` when its signature does not say what it takes, or it declares another name.
    """
    declared = declaration_of(function)
    known_as = name or declared.name or str(getattr(function, "__name__", ""))
    if declared.name not in (None, known_as):
        raise FactoryError(f"the tool registered as {known_as} calls itself {declared.name}")
    signature = read_signature(function, known_as)
    about = ToolMetadata(declared.description or summary(function) or WORDLESS, declared.version, declared.author, declared.tags)
    tool = Tool(
        known_as,
        ToolType.NATIVE,
        signature.parameters,
        about,
        signature.returns,
        declared.effects,
        declared.examples,
        declared.limits,
        declared.cost,
    )
    return RunnableTool(tool, _Call(function, signature, known_as))


class _Call:
    def __init__(self, function: Callable[..., object], signature: Signature, name: str) -> None:
        self._signature, self._name = signature, name
        self._in_process = declaration_of(function).in_process
        self._waits = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004 - an object may be async
        self._function = function if self._waits else _beside(function)

    async def __call__(self, arguments: dict[str, Json], context: ToolContext) -> Json:
        if not self._signature.context:
            return await self._called(arguments, context)
        context = replace(context, logger=lines_of(self._name, context))
        if not self._in_process or self._waits:
            return await self._called(arguments, context)
        from infrastructure.tools.processes import heard

        with heard(context.tell) as tell:
            return await self._called(arguments, replace(context, tell=tell))

    async def _called(self, arguments: dict[str, Json], context: ToolContext) -> Json:
        ready = self._signature.arguments(arguments, context)
        returned = self._function(**ready)
        return self._signature.output(await returned if inspect.isawaitable(returned) else returned)


def _beside(function: Callable[..., object]) -> Callable[..., Awaitable[object]]:
    """A plain function where it does not hold up the event loop."""
    if not declaration_of(function).in_process:
        return in_a_spare_thread(function)
    from infrastructure.tools.processes import in_a_process  # where no tool asks for it, it is not loaded

    return in_a_process(function)
