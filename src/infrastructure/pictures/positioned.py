"""The drawing of a graph whose author has said where every node goes: `position` is the middle of its box, in pixels."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Final

from domain.graph.definition import END, START, Graph, Point
from domain.graph.picture import Arrow
from domain.ids import NodeId
from infrastructure.pictures.plan import Plan, Route, Size, around, number
from infrastructure.pictures.routing import Way, loop_label, routes

_AWAY: Final = 60.0
"""How far `start` stands above everything, and `end` below."""
_BEND: Final = 36.0
_BACK: Final = 0.4
"""How far a line that closes a loop swings out, as a part of its length: it goes round what it leads back over."""


def is_positioned(graph: Graph) -> bool:
    return bool(graph.nodes) and all(node.position is not None for node in graph.nodes.values())


def positioned(graph: Graph, sizes: Mapping[NodeId, Size], labels: Mapping[Arrow, Size]) -> Plan:
    centres = _centres(graph, sizes, list(labels))
    seen: Counter[frozenset[NodeId]] = Counter()
    drawn = []
    for arrow, label in labels.items():
        drawn.append(_route(arrow, centres, sizes, label, seen[_ends(arrow)]))
        seen[_ends(arrow)] += 1
    boxes = [(centres[node], size) for node, size in sizes.items()]
    texts = [(route.label, labels[route.arrow]) for route in drawn if route.label]
    return Plan(centres, drawn, *around([*boxes, *texts]))


def _ends(arrow: Arrow) -> frozenset[NodeId]:
    return frozenset((arrow.source, arrow.target))


def _centres(graph: Graph, sizes: Mapping[NodeId, Size], drawn: list[Arrow]) -> dict[NodeId, Point]:
    given = {name: node.position for name, node in graph.nodes.items() if node.position is not None}
    top = min(at.y - sizes[name].height / 2 for name, at in given.items())
    bottom = max(at.y + sizes[name].height / 2 for name, at in given.items())
    first = [given[arrow.target].x for arrow in drawn if arrow.source == START and arrow.target in given]
    last = [given[arrow.source].x for arrow in drawn if arrow.target == END and arrow.source in given]
    centres = {START: Point(_mean(first), top - _AWAY), END: Point(_mean(last), bottom + _AWAY), **given}
    unknown = [node for node in sizes if node not in centres]
    return centres | {node: Point(_mean(last) + 160.0 * place, bottom + _AWAY) for place, node in enumerate(unknown, 1)}


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def _route(arrow: Arrow, centres: Mapping[NodeId, Point], sizes: Mapping[NodeId, Size], label: Size, before: int) -> Route:
    """Straight, unless it closes a loop or other arrows join the same two boxes: those bend, each further out."""
    source, target = centres[arrow.source], centres[arrow.target]
    if arrow.source == arrow.target:
        at = loop_label(source, sizes[arrow.source], label) if arrow.label else None
        return routes([Way(arrow, (), at)], centres, sizes)[0]
    length = math.hypot(target.x - source.x, target.y - source.y) or 1.0
    bend = _BEND * before + (max(_BEND, _BACK * length) if arrow.is_back else 0)
    aside = Point((source.y - target.y) / length * bend, (target.x - source.x) / length * bend)
    turn = Point((source.x + target.x) / 2 + aside.x * 2, (source.y + target.y) / 2 + aside.y * 2)
    first, last = _border(source, sizes[arrow.source], turn), _border(target, sizes[arrow.target], turn)
    path = f"M{number(first.x)} {number(first.y)}Q{number(turn.x)} {number(turn.y)} {number(last.x)} {number(last.y)}"
    middle = Point((first.x + 2 * turn.x + last.x) / 4, (first.y + 2 * turn.y + last.y) / 4)
    return Route(arrow, path, middle if arrow.label else None)


def _border(centre: Point, size: Size, towards: Point) -> Point:
    """Where the line from the middle of a box to a point leaves the box."""
    x, y = towards.x - centre.x, towards.y - centre.y
    reach = min(size.width / 2 / abs(x) if x else math.inf, size.height / 2 / abs(y) if y else math.inf)
    return centre if math.isinf(reach) else Point(centre.x + x * reach, centre.y + y * reach)
