"""Pictures of graphs: everything in them is there, nothing breaks out of them, and they are the same every time."""

import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from application.documents import parse_graph
from application.pictures import to_dot, to_mermaid
from domain.errors import DocumentTooLarge
from domain.graph.definition import Graph
from domain.graph.picture import arrows, places, shortened
from infrastructure.pictures.svg import MAX_NODES, to_svg
from tests.documents import TRIAGE, document

SPACE = "{http://www.w3.org/2000/svg}"
NASTY = "state.x == \"<&>|`;#{}\" && y == '__z__' \x01 ]]> --> \\"


def graph(*args: Any, **others: Any) -> Graph:
    return parse_graph(document(*args, **others))


def chain(nodes: int) -> Graph:
    names = [f"n{number}" for number in range(nodes)]
    return graph(" ".join(names), [f"{one} > {other}" for one, other in zip(["start", *names], [*names, "end"], strict=True)])


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - we have just written it ourselves


def texts(svg: str, style: str) -> list[str]:
    return [found.text or "" for found in parsed(svg).iter(f"{SPACE}text") if style in (found.get("class") or "").split()]


Box = tuple[float, float, float, float]


def boxes(svg: str) -> list[Box]:
    """Left, top, right, bottom of every node's rectangle; of a graph without a `map`."""
    found = [rect for rect in parsed(svg).iter(f"{SPACE}rect") if "box" in (rect.get("class") or "")]
    sides = [[float(rect.get(name) or 0) for name in ("x", "y", "width", "height")] for rect in found]
    return [(x, y, x + width, y + height) for x, y, width, height in sides]


def overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@pytest.mark.parametrize("draw", [to_mermaid, to_dot, to_svg])
def test_every_node_kind_and_condition_is_in_the_picture(draw: Any) -> None:
    picture = draw(parse_graph(TRIAGE))

    for said in ("classify", "look_up", "answer", "sorry", "each", "one", "llm", "tool", "map", "start", "end", "otherwise", "tool_failed"):
        assert said in picture, said
    assert "state.label == " in picture


def test_the_arrows_of_every_type_of_edge() -> None:
    found = [(arrow.source, arrow.target, arrow.stroke.value, arrow.label) for arrow in arrows(parse_graph(TRIAGE))]

    assert found == [
        ("start", "classify", "always", ""),
        ("classify", "look_up", "route", "state.label == 'bug'"),
        ("classify", "answer", "route", "state.label == 'billing'"),
        ("classify", "answer", "route", "otherwise"),
        ("look_up", "answer", "always", ""),
        ("look_up", "sorry", "error", "error: tool_failed, timeout"),
        ("answer", "each", "route", "${size(state.notes) > 0 ? 'each' : 'end'}"),
        ("answer", "end", "route", "${size(state.notes) > 0 ? 'each' : 'end'}"),
        ("each", "end", "condition", "size(output) >= 0"),
    ]


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        pytest.param(["start > a", "a > b", "b > c"], set(), id="a chain has none"),
        pytest.param(["start > a", "a > b", "b > c", "c > a"], {("c", "a")}, id="the arrow that comes round"),
        pytest.param(["start > a", "a > a", "a > b", "b > a"], {("a", "a"), ("b", "a")}, id="one to itself, and one between two"),
        pytest.param(["start > a", "a > b", "a > c", "b > c"], set(), id="a branch that meets another goes on"),
        pytest.param(["start > a", "b > c", "c > b"], {("c", "b")}, id="beside what start reaches"),
    ],
)
def test_arrows_that_close_loops(drawn: list[str], expected: set[tuple[str, str]]) -> None:
    found = arrows(graph("a b c", drawn))

    assert {(arrow.source, arrow.target) for arrow in found if arrow.is_back} == expected


def test_names_that_only_edges_know_are_drawn_and_end_only_when_something_leads_there() -> None:
    loose = graph("a", ["start > a", "a > ghost"])

    assert places(loose, arrows(loose)) == ("start", "a", "ghost")
    assert "no such node" in to_svg(loose)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a == b", "a == b", id="short ones stay"),
        pytest.param("a ==\n   b", "a == b", id="one line"),
        pytest.param("abcdefghijkl", "abcdefghi…", id="the rest is cut"),
    ],
)
def test_labels_are_shortened(text: str, expected: str) -> None:
    assert shortened(text, 10) == expected


@pytest.mark.parametrize(
    "drawing",
    [
        pytest.param(parse_graph(TRIAGE), id="a bit of everything"),
        pytest.param(chain(40), id="a chain"),
        pytest.param(graph("a b", ["start > a", "a > a ? state.x", "a > b", "b > a", "b > a ? state.y"]), id="loops of one and of two"),
        pytest.param(graph("a b c", ["start > a", "b > c"]), id="parts that hang together nowhere"),
        pytest.param(graph({}, []), id="nothing at all"),
    ],
)
def test_an_svg_is_well_formed_and_everything_lies_within_it(drawing: Graph) -> None:
    svg = to_svg(drawing)
    left, top, width, height = (float(number) for number in (parsed(svg).get("viewBox") or "").split())

    outer = {name: node for name, node in drawing.nodes.items() if node.graph is None}
    assert {*outer} <= set(texts(svg, "id"))
    assert "nan" not in svg
    if len(outer) == len(drawing.nodes):
        assert all(left <= box[0] and top <= box[1] and box[2] <= left + width and box[3] <= top + height for box in boxes(svg))


def test_boxes_do_not_lie_upon_each_other() -> None:
    names = [f"n{number}" for number in range(40)]
    forward = [f"n{number // 3} > n{number}" for number in range(1, 40)]
    back = [f"n{number} > n{number // 7} ? state.x" for number in range(20, 40, 3)]
    found = boxes(to_svg(graph(" ".join(names), ["start > n0", *forward, *back, "n39 > end"])))

    assert len(found) == 40
    assert [(one, other) for place, one in enumerate(found) for other in found[:place] if overlap(one, other)] == []


def test_what_comes_later_stands_lower() -> None:
    found = boxes(to_svg(chain(5)))

    assert [box[1] for box in found] == sorted({box[1] for box in found})


def test_positions_are_kept_when_every_node_has_one() -> None:
    places_given = {"a": (0, 0), "b": (300, 40), "c": (-200, 500)}
    nodes = {name: {"kind": "transform", "position": {"x": x, "y": y}} for name, (x, y) in places_given.items()}
    found = boxes(to_svg(graph(nodes, ["start > a", "a > b", "b > c", "c > a", "c > end"])))

    assert [((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) for box in found] == list(places_given.values())


def test_positions_that_only_some_nodes_have_are_not_looked_at() -> None:
    nodes = {"a": {"kind": "transform", "position": {"x": 900, "y": 900}}, "b": {"kind": "transform"}}
    edges = ["start > a", "a > b"]

    assert to_svg(graph(nodes, edges)) == to_svg(graph("a b", edges))


def test_an_inner_graph_is_drawn_inside_its_map() -> None:
    svg = parsed(to_svg(parse_graph(TRIAGE)))
    nested = [group for group in svg.iter(f"{SPACE}g") if group.get("transform")]

    assert [found.text for found in nested[0].iter(f"{SPACE}text") if found.get("class") == "id"] == ["one"]


def test_a_picture_is_readable_on_dark_paper_too() -> None:
    assert "@media (prefers-color-scheme:dark)" in to_svg(chain(1))


def test_nothing_that_is_written_breaks_out_of_a_picture() -> None:
    drawing = graph(
        {"a": {"kind": "llm", "model": '<script>"`|'}, "subgraph": {"kind": "transform", "description": "</title><script/>"}},
        ["start > a", {"from": "a", "to": "subgraph", "when": NASTY}, "subgraph > end"],
    )
    svg = parsed(to_svg(drawing))

    assert list(svg.iter(f"{SPACE}script")) == []
    assert any(NASTY.replace("\x01", "�") in (title.text or "") for title in svg.iter(f"{SPACE}title"))
    link = next(line for line in to_mermaid(drawing).splitlines() if "|" in line)
    assert re.fullmatch(r'    n1 -->\|"(?:[^"<>|`{}#;]|#\d+;)*"\| n2', link)
    label = next(line for line in to_dot(drawing).splitlines() if "label" in line and "->" in line)
    assert re.fullmatch(r'\s*"a" -> "subgraph" \[label="(?:[^"\\]|\\.)*"\]', label)


def test_words_of_mermaid_itself_are_no_ids() -> None:
    lines = to_mermaid(graph("style class", ["start > style", "style > class", "class > end"])).splitlines()

    assert [line.strip() for line in lines if "-->" in line] == ["start_ --> n1", "n1 --> n2", "n2 --> end_"]


def test_a_graph_of_more_than_400_nodes_is_no_svg() -> None:
    inner = {"nodes": {f"n{number}": {"kind": "transform"} for number in range(MAX_NODES)}, "edges": [{"from": "start", "to": "n0"}]}
    nested = graph({"each": {"kind": "map", "over": [1], "graph": inner}}, ["start > each"])

    assert to_svg(chain(MAX_NODES))
    for refused in (chain(MAX_NODES + 1), nested):
        with pytest.raises(DocumentTooLarge, match="mermaid or dot"):
            to_svg(refused)
        assert to_mermaid(refused)
        assert to_dot(refused)


def test_a_tangle_that_would_take_minutes_is_refused_at_once() -> None:
    names = [f"n{number}" for number in range(60)]
    tangle = graph(" ".join(names), ["start > n0", *(f"{one} > {other}" for one in names for other in names if one != other)])
    began = time.process_time()

    with pytest.raises(DocumentTooLarge, match="too tangled"):
        to_svg(tangle)

    assert time.process_time() - began < 2


def test_the_same_graph_gives_the_same_picture_in_every_process() -> None:
    program = """if True:
        from application.documents import parse_graph
        from infrastructure.pictures.svg import to_svg
        from tests.documents import TRIAGE
        print(to_svg(parse_graph(TRIAGE)), end="")"""
    root = Path(__file__).parents[3]
    pictures = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert pictures == {to_svg(parse_graph(TRIAGE))}
