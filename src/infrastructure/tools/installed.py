"""Tools that other packages bring by the entry points `weft.tools`: found by metadata, imported only when asked for."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from domain.errors import FactoryError
from infrastructure.tools.native import native_tool
from infrastructure.tools.runnable import RunnableTool

GROUP: Final = "weft.tools"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Packaged:
    point: EntryPoint

    @property
    def package(self) -> str:
        return self.point.dist.name if self.point.dist else self.point.value

    def load(self) -> RunnableTool:
        """`FactoryError` says why it does not; the log has where."""
        try:
            function = self.point.load()
            if not callable(function):
                raise FactoryError(f"{self.point.value} is no function")
            return native_tool(function, self.point.name)
        # What a package does while it is imported is not ours to know, and leaving the process is part of it.
        except (Exception, SystemExit) as error:
            log.warning("the tool %s of the package %s does not load", self.point.name, self.package, exc_info=True)
            reason = error.message if isinstance(error, FactoryError) else f"{type(error).__name__}: {error}"
            raise FactoryError(f"the tool {self.point.name} of the package {self.package} does not load: {reason}") from error


def packaged_tools() -> Mapping[str, Packaged]:
    """By name. `FactoryError` when two packages bring one of the same name."""
    found: dict[str, Packaged] = {}
    for point in entry_points(group=GROUP):
        known = found.setdefault(point.name, Packaged(point))
        if known.point.value != point.value:
            raise FactoryError(
                f"two packages bring the tool {point.name}: {known.package} and {Packaged(point).package}; uninstall one of them"
            )
    return found
