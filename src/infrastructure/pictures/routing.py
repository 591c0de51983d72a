"""Lines between boxes: where they are tied, and how they bend."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from domain.graph.definition import END, START, Point
from domain.graph.picture import Arrow
from domain.ids import NodeId
from infrastructure.pictures.plan import Route, Size, number

_LOOP: Final = 30.0
"""How far a line that leads back to its own box goes out."""
_TIES: Final = 30.0
"""Greatest distance of two lines' ends on one side of a box."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A point that a line goes through, straight down or up for `half` on either side of it."""

    at: Point
    half: float


@dataclass(frozen=True, slots=True)
class Way:
    """`stops`: between the two boxes. `label`: the middle of the label, when it has one."""

    arrow: Arrow
    stops: Sequence[Stop]
    label: Point | None


@dataclass(frozen=True, slots=True)
class _End:
    """One end of a way: which side of which box, and where the line goes from there."""

    way: int
    box: NodeId
    is_lower: bool
    towards: float


def routes(ways: Sequence[Way], centres: Mapping[NodeId, Point], sizes: Mapping[NodeId, Size]) -> list[Route]:
    """One for each way, in their order."""
    ends = [end for number, way in enumerate(ways) if way.arrow.source != way.arrow.target for end in _ends(number, way, centres)]
    ties = _ties(ends, centres, sizes)
    return [_route(number, way, ties, centres, sizes) for number, way in enumerate(ways)]


def _ends(number: int, way: Way, centres: Mapping[NodeId, Point]) -> tuple[_End, _End]:
    source, target = way.arrow.source, way.arrow.target
    first = way.stops[0].at if way.stops else centres[target]
    last = way.stops[-1].at if way.stops else centres[source]
    return (
        _End(number, source, first.y > centres[source].y, first.x),
        _End(number, target, last.y > centres[target].y, last.x),
    )


def _ties(ends: Sequence[_End], centres: Mapping[NodeId, Point], sizes: Mapping[NodeId, Size]) -> dict[tuple[int, NodeId], Point]:
    """Lines are tied to a side in the order in which they come from the left, so that they do not cross at the box."""
    sides: dict[tuple[NodeId, bool], list[_End]] = defaultdict(list)
    for end in ends:
        sides[end.box, end.is_lower].append(end)
    found = {}
    for (box, is_lower), there in sides.items():
        centre, size = centres[box], sizes[box]
        y = centre.y + (size.height / 2 if is_lower else -size.height / 2)
        apart = 0.0 if box in (START, END) else min(_TIES, (size.width - 24) / len(there))
        for place, end in enumerate(sorted(there, key=lambda end: (end.towards, end.way))):
            found[end.way, box] = Point(centre.x + (place - (len(there) - 1) / 2) * apart, y)
    return found


def _route(
    number: int, way: Way, ties: Mapping[tuple[int, NodeId], Point], centres: Mapping[NodeId, Point], sizes: Mapping[NodeId, Size]
) -> Route:
    arrow = way.arrow
    if arrow.source == arrow.target:
        return _round(way, centres[arrow.source], sizes[arrow.source])
    return Route(arrow, _curve(ties[number, arrow.source], way.stops, ties[number, arrow.target]), way.label)


def _curve(first: Point, stops: Sequence[Stop], last: Point) -> str:
    """Leaves and arrives upright, and is upright where it passes a layer."""
    upright = [(first, first), *(_passing(stop, first, last) for stop in stops), (last, last)]
    pieces = [f"M{_at(first)}"]
    for (_, here), (there, leaving) in pairwise(upright):
        middle = (here.y + there.y) / 2
        bend = f"C{number(here.x)} {number(middle)} {number(there.x)} {number(middle)} {_at(there)}"
        pieces.append(bend if abs(here.x - there.x) > 0.5 else f"L{_at(there)}")
        if leaving != there:
            pieces.append(f"L{_at(leaving)}")
    return "".join(pieces)


def _passing(stop: Stop, first: Point, last: Point) -> tuple[Point, Point]:
    half = stop.half if last.y > first.y else -stop.half
    return Point(stop.at.x, stop.at.y - half), Point(stop.at.x, stop.at.y + half)


def _round(way: Way, centre: Point, size: Size) -> Route:
    """Out of the right side and back into it."""
    x, up, down = centre.x + size.width / 2, centre.y - size.height / 4, centre.y + size.height / 4
    out = number(x + _LOOP)
    path = f"M{number(x)} {number(up)}C{out} {number(up - 8)} {out} {number(down + 8)} {number(x)} {number(down)}"
    return Route(way.arrow, path, way.label)


def loop_label(centre: Point, size: Size, label: Size) -> Point:
    """Beside a line that leads back to its own box."""
    return Point(centre.x + size.width / 2 + _LOOP + label.width / 2, centre.y)


def _at(point: Point) -> str:
    return f"{number(point.x)} {number(point.y)}"
