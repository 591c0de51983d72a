"""Where everything in a picture goes. Lengths are pixels, y grows downwards, places are given by their middles."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from domain.graph.definition import Point
from domain.graph.picture import Arrow
from domain.ids import NodeId

MARGIN: Final = 16.0


@dataclass(frozen=True, slots=True)
class Size:
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Route:
    """`path`: the line, in the language of SVG. `label`: the middle of its text, when it has one."""

    arrow: Arrow
    path: str
    label: Point | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """`corner`: the upper left one, which need not be (0, 0)."""

    centres: Mapping[NodeId, Point]
    routes: Sequence[Route]
    corner: Point
    size: Size


def label_size(arrow: Arrow, text: str) -> Size:
    return Size(text_width(text, 11), 16) if arrow.label else Size(4, 4)


def text_width(text: str, size: float) -> float:
    """About as wide as a sans-serif font sets it; a picture must not depend on the fonts of the machine that draws it."""
    return size * sum(_width(character) for character in text)


def _width(character: str) -> float:
    if character in "iljtfr.,:;'|!()[]{} ":
        return 0.36
    if character in "mwMW@%—…" or ord(character) > 0x2E7F:
        return 0.98
    return 0.68 if character.isupper() else 0.59


def around(boxes: Iterable[tuple[Point, Size]]) -> tuple[Point, Size]:
    """The upper left corner and the size of what holds them all, with a margin."""
    found = list(boxes)
    left = min(at.x - size.width / 2 for at, size in found) - MARGIN
    top = min(at.y - size.height / 2 for at, size in found) - MARGIN
    right = max(at.x + size.width / 2 for at, size in found) + MARGIN
    bottom = max(at.y + size.height / 2 for at, size in found) + MARGIN
    return Point(left, top), Size(right - left, bottom - top)


def number(value: float) -> str:
    """Short, and the same on every machine."""
    return f"{value:.1f}".removesuffix(".0").replace("-0", "0") if abs(value) < 0.05 else f"{value:.1f}".removesuffix(".0")
