"""All tools of a service behind one port: ours, those handed in, and those of installed packages (entry points `weft.tools`)."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from domain.errors import FactoryError, ToolNotFound
from domain.json import JsonObject
from domain.ports.clock import Clock
from domain.ports.schemas import Schemas
from domain.ports.tools import ToolContext
from domain.tool import Tool, ToolExecutionResult
from infrastructure.tools.builtin import builtin_tools
from infrastructure.tools.calling import CheckedTool, check_definition
from infrastructure.tools.installed import Packaged, packaged_tools
from infrastructure.tools.runnable import RunnableTool


class InstalledTools:
    """`domain.ports.tools.Tools` for one service.

    Packages are looked up at the first question and loaded when it is theirs, in place: ask `list()` before serving. Two tools of one name
    are a `FactoryError`; a package whose tool does not load costs that tool only, and is named to who asks for it.
    """

    def __init__(self, schemas: Schemas, clock: Clock, handed_in: Iterable[RunnableTool] = ()) -> None:
        self._schemas = schemas
        self._clock = clock
        self._here = _by_name([*builtin_tools(clock), *handed_in])
        self._checked: dict[str, CheckedTool] = {}
        self._broken: dict[str, str] = {}

    async def call(self, name: str, arguments: JsonObject, context: ToolContext) -> ToolExecutionResult:
        return await self._find(name).call(arguments, context, self._clock)

    def get(self, name: str) -> Tool:
        return self._find(name).tool

    def list(self) -> Sequence[Tool]:
        return [found.tool for name in self._names() if (found := self._perhaps(name)) is not None]

    @cached_property
    def _packaged(self) -> Mapping[str, Packaged]:
        found = packaged_tools()
        for name in sorted(found.keys() & self._here.keys()):
            raise FactoryError(f"two tools are called {name}: ours or one handed in, and one of the package {found[name].package}")
        return found

    def _names(self) -> Sequence[str]:
        return sorted([*self._here, *self._packaged])

    def _find(self, name: str) -> CheckedTool:
        found = self._perhaps(name)
        if found is not None:
            return found
        if name in self._broken:
            raise ToolNotFound(self._broken[name])
        raise ToolNotFound(f"there is no tool {name}; there are {', '.join(one for one in self._names() if one not in self._broken)}")

    def _perhaps(self, name: str) -> CheckedTool | None:
        if name not in self._checked and name not in self._broken:
            self._prepare(name)
        return self._checked.get(name)

    def _prepare(self, name: str) -> None:
        if name in self._here:
            self._checked[name] = CheckedTool.of(self._here[name], self._schemas)
        elif name in self._packaged:
            try:
                self._checked[name] = CheckedTool.of(self._packaged[name].load(), self._schemas)
            except FactoryError as error:
                self._broken[name] = error.message


def _by_name(tools: Iterable[RunnableTool]) -> dict[str, RunnableTool]:
    found: dict[str, RunnableTool] = {}
    for one in tools:
        check_definition(one.tool)
        if one.tool.name in found:
            raise FactoryError(f"two tools are called {one.tool.name}")
        found[one.tool.name] = one
    return found
