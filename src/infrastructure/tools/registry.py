"""The tools of an installation: ours, those handed in, and those of installed packages (entry points `weft.tools`)."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from domain.errors import FactoryError
from domain.ports.clock import Clock
from domain.ports.schemas import Schemas
from domain.tool import Tool
from infrastructure.tools.builtin import builtin_tools
from infrastructure.tools.calling import CheckedTool, check_definition
from infrastructure.tools.installed import Packaged, packaged_tools
from infrastructure.tools.runnable import RunnableTool


class InstalledTools:
    """The same for every tenant.

    Packages are looked up at the first question and loaded when it is theirs, in place: ask `list()` before serving. Two tools of one name
    are a `FactoryError`; a package whose tool does not load costs that tool only, and `why_not` says why.
    """

    def __init__(self, schemas: Schemas, clock: Clock, handed_in: Iterable[RunnableTool] = ()) -> None:
        self._schemas = schemas
        self._here = _by_name([*builtin_tools(clock), *handed_in])
        self._checked: dict[str, CheckedTool] = {}
        self._broken: dict[str, str] = {}

    def list(self) -> Sequence[Tool]:
        return [found.tool for name in self.names() if (found := self.perhaps(name)) is not None]

    def names(self) -> Sequence[str]:
        return sorted([*self._here, *self._packaged])

    def perhaps(self, name: str) -> CheckedTool | None:
        if name not in self._checked and name not in self._broken:
            self._prepare(name)
        return self._checked.get(name)

    def why_not(self, name: str) -> str:
        """Why a tool that is installed cannot be used, or ""."""
        return self._broken.get(name, "")

    @cached_property
    def _packaged(self) -> Mapping[str, Packaged]:
        found = packaged_tools()
        for name in sorted(found.keys() & self._here.keys()):
            raise FactoryError(f"two tools are called {name}: ours or one handed in, and one of the package {found[name].package}")
        return found

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
