"""The node kinds that are installed: ours and those of other packages come the same way, by the entry points `weft.nodes`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Final, cast

from domain.errors import FactoryError
from domain.ports.nodes import NodeKind

GROUP: Final = "weft.nodes"
_SHAPE: Final = ("name", "schema", "default_join", "inspect", "build")


def _found() -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        known = found.setdefault(point.name, point)
        if known.value != point.value:
            raise FactoryError(f"two packages bring the node kind `{point.name}` ({known.value}, {point.value}): uninstall one of them")
    return found


def _loaded(point: EntryPoint) -> NodeKind:
    try:
        kind = point.load()
    except Exception as error:
        raise FactoryError(f"the node kind `{point.name}` ({point.value}) cannot be loaded: {error}") from error
    missing = [attribute for attribute in _SHAPE if not hasattr(kind, attribute)]
    if missing or kind.name != point.name:
        reason = f"has no {', '.join(missing)}" if missing else f"calls itself `{kind.name}`"
        raise FactoryError(f"the node kind `{point.name}` ({point.value}) {reason}")
    return cast(NodeKind, kind)


@dataclass
class InstalledNodeKinds:
    """Found at the first question, each loaded when it is first asked for."""

    loaded: dict[str, NodeKind] = field(default_factory=dict)

    @cached_property
    def points(self) -> dict[str, EntryPoint]:
        return _found()

    def get(self, name: str) -> NodeKind:
        if name not in self.loaded:
            if name not in self.points:
                raise FactoryError(f"there is no node kind `{name}`; there are {', '.join(sorted(self.points))}")
            self.loaded[name] = _loaded(self.points[name])
        return self.loaded[name]

    def all(self) -> Mapping[str, NodeKind]:
        return {name: self.get(name) for name in sorted(self.points)}
