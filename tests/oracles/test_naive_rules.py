"""The rules of "When a node runs", one small graph each, on the naive model."""

from collections.abc import Mapping

import pytest

from tests.oracles.naive import NaiveFrame
from tests.oracles.shape import Shape


def graph(arrows: str, joins: Mapping[str, object] | None = None, **keys: Mapping[str, object]) -> dict[str, object]:
    """A document from "start>a a>b a!>h": nodes in the order of their appearance, `!>` an on_error edge; `keys` are more keys of nodes."""
    edges: list[dict[str, object]] = []
    names: dict[str, None] = {}
    for arrow in arrows.split():
        source, target = arrow.split(">")
        names |= dict.fromkeys([source.rstrip("!"), target])
        edges.append({"from": source.rstrip("!"), "to": target, **({"on_error": True} if source.endswith("!") else {})})
    inner = [name for name in names if name not in {"start", "end"}]
    rules = {name: {"join": join} for name, join in (joins or {}).items()}
    return {"nodes": {name: {"kind": "transform", **rules.get(name, {}), **keys.get(name, {})} for name in inner}, "edges": edges}


def history(document: Mapping[str, object], *happened: str) -> list[str]:
    """What each step started: "start:a,b" begins the frame with a and b, "a:b" finishes the oldest activation of a towards b."""
    frame = NaiveFrame(document)
    told: list[str] = []
    for event in happened:
        node, _, targets = event.partition(":")
        to = [target for target in targets.split(",") if target]
        step = frame.begin(to) if node == "start" else frame.finish(node, min(v for n, v in frame.active if n == node), to)
        withdrawn = "".join(f" -{name}#{visit}" for name, visit in step.withdrawn)
        ending = f" {step.failed or 'completed'}" if step.done else ""
        told.append(" ".join(f"{name}#{visit}<{','.join(sources)}" for name, visit, sources in step.started) + withdrawn + ending)
    return [line.strip() for line in told]


FORK = "start>s s>a s>b s>c a>j b>j c>j j>end"
LOOP = "start>h h>a h>b a>j b>j j>h h>end"  # a and b meet in j, round by round
SIDE = "start>h h>b b>h h>x x>end start>b"  # b is a second entry into the loop of h

CASES = [
    pytest.param(
        graph("start>a a>b b>end"), ["start:a", "a:b", "b:end"], ["a#1<start", "b#1<a", "completed"], id="a sequence runs straight through"
    ),
    pytest.param(
        graph(FORK),
        ["start:s", "s:a,b", "a:j", "b:j", "j:end"],
        ["s#1<start", "a#1<s b#1<s", "", "j#1<a,b", "completed"],
        id="a join waits for what was chosen, and not for what was not",
    ),
    pytest.param(
        graph(FORK), ["start:s", "s:a,b", "a:j", "b:"], ["s#1<start", "a#1<s b#1<s", "", "j#1<a"], id="a branch that ends blocks nobody"
    ),
    pytest.param(
        graph(FORK, {"j": "any"}),
        ["start:s", "s:a,b", "a:j", "b:j", "j:end", "j:end"],
        ["s#1<start", "a#1<s b#1<s", "j#1<a", "", "j#2<b", "completed"],
        id="any runs once a token, one at a time",
    ),
    pytest.param(
        graph(FORK, {"j": "any"}, j={"concurrency": 2}),
        ["start:s", "s:a,b", "a:j", "b:j"],
        ["s#1<start", "a#1<s b#1<s", "j#1<a", "j#2<b"],
        id="concurrency lets any run side by side",
    ),
    pytest.param(
        graph(LOOP),
        ["start:h", "h:a,b", "a:j", "b:j", "j:h", "h:a", "a:j", "j:h", "h:end"],
        ["h#1<start", "a#1<h b#1<h", "", "j#1<a,b", "h#2<j", "a#2<h", "j#2<a", "h#3<j", "completed"],
        id="a loop joins round by round",
    ),
    pytest.param(
        graph("start>h h>a h>b a>h b>h a>log b>log h>end"),
        ["start:h", "h:a,b", "a:h,log", "b:h,log", "h:end", "log:"],
        ["h#1<start", "a#1<h b#1<h", "", "h#2<a,b", "log#1<a,b", "completed"],
        id="a node fed by two nodes of a loop it never returns to runs once, after the loop",
    ),
    pytest.param(
        graph(SIDE),
        ["start:h,b", "h:x", "b:h"],
        ["h#1<start", "b#1<start x#1<h", "h#2<b"],
        id="a token that entered from the side waits for the head",
    ),
    pytest.param(
        graph("start>a start>b a>b b>a a>end"),
        ["start:b", "b:a"],
        ["b#1<start", "a#1<b"],
        id="an irreducible loop may be entered by its second entry",
    ),
    pytest.param(
        graph(FORK, {"j": {"count": 2}}),
        ["start:s", "s:a,b,c", "a:j", "b:j", "c:j", "j:end"],
        ["s#1<start", "a#1<s b#1<s c#1<s", "", "j#1<a,b", "", "completed"],
        id="a count join fires once and absorbs the rest of its round",
    ),
    pytest.param(
        graph(FORK, {"j": {"count": 1, "cancel_rest": True}}),
        ["start:s", "s:a,b,c", "b:j", "j:end"],
        ["s#1<start", "a#1<s b#1<s c#1<s", "j#1<b -a#1 -c#1", "completed"],
        id="cancel_rest withdraws what could still reach it",
    ),
    pytest.param(
        graph(FORK, {"j": {"count": 3}}),
        ["start:s", "s:a,b", "a:j", "b:j"],
        ["s#1<start", "a#1<s b#1<s", "", "join_starved"],
        id="a count join without its tokens starves",
    ),
    pytest.param(
        graph(FORK, {"j": {"count": 3, "on_starved": "run"}}),
        ["start:s", "s:a,b", "a:j", "b:j"],
        ["s#1<start", "a#1<s b#1<s", "", "j#1<a,b"],
        id="a starved join may run with what came",
    ),
    pytest.param(
        graph(FORK, {"j": {"count": 3, "on_starved": "drop"}}),
        ["start:s", "s:a,b", "a:j", "b:j"],
        ["s#1<start", "a#1<s b#1<s", "", "dead_end"],
        id="a starved join that drops may leave a frame at a dead end",
    ),
    pytest.param(
        graph("start>h h>a h>b a>j b>j j>h h>end", {"j": {"count": 1}}),
        ["start:h", "h:a,b", "a:j", "j:h", "b:j", "h:a", "a:j"],
        ["h#1<start", "a#1<h b#1<h", "j#1<a", "", "h#2<j", "a#2<h", "j#2<a"],
        id="the start of a head ends the round of a count join in its loop",
    ),
    pytest.param(
        graph("start>s s>a s>b a>j b>j j>end", {"a": "any", "j": {"from": ["a", "b"]}}),
        ["start:s", "s:a,b", "a:j", "b:j", "j:end"],
        ["s#1<start", "a#1<s b#1<s", "", "j#1<a,b", "completed"],
        id="a from join takes one token of each",
    ),
    pytest.param(
        graph("start>s s>p s>q p>a q>a s>b a>j b>j j>end", {"a": "any", "j": {"from": ["a", "b"]}}),
        ["start:s", "s:p,q,b", "p:a", "q:a", "b:j", "a:j", "a:j", "j:end"],
        ["s#1<start", "p#1<s q#1<s b#1<s", "a#1<p", "", "", "a#2<q j#1<a,b", "", "completed"],
        id="what a from join keeps ends silently with the frame",
    ),
    pytest.param(
        graph("start>s s>a s>b a>j b>j j>end", {"j": {"from": ["a", "b"]}}),
        ["start:s", "s:a,b", "a:j", "b:"],
        ["s#1<start", "a#1<s b#1<s", "", "join_starved"],
        id="a from join that lacks a source starves",
    ),
    pytest.param(
        graph("start>h h>a h>b a>h a>j b>j j>h h>end"),
        ["start:h", "h:a,b", "a:h,j", "b:j"],
        ["h#1<start", "a#1<h b#1<h", "", "j#1<a,b"],
        id="a head waits for its body, not the body for its head",
    ),
    pytest.param(
        graph("start>h start>b start>z h>b b>h h>x x>end"),
        ["start:h,b,z"],
        ["h#1<start z#1<start"],
        id="a head does not wait for a token that entered its loop from the side",
    ),
    pytest.param(
        graph("start>f f>h f>z h>a a>j j>c c>h j>q z>q h>end q>end", {"j": {"count": 1}}),
        ["start:f", "f:h,z", "h:a", "a:j", "j:c", "z:q", "c:h", "h:end"],
        ["f#1<start", "h#1<f z#1<f", "a#1<h", "j#1<a", "c#1<j", "", "h#2<c", "q#1<z"],
        id="a count join whose round has ended lets paths through again",
    ),
    pytest.param(
        graph("start>x start>v start>w x>m v>n w>n n>m m>end", {"m": {"count": 1}, "n": {"count": 1}}),
        ["start:x,v,w", "v:n", "x:m", "m:end", "n:m"],
        ["x#1<start v#1<start w#1<start", "n#1<v", "m#1<x", "", "m#2<n"],
        id="an active spent join does not keep another's round open",
    ),
    pytest.param(
        graph("start>a a>b a>end"), ["start:a", "a:"], ["a#1<start", "dead_end"], id="running out of tokens on the way is a dead end"
    ),
    pytest.param(
        graph("start>a a!>b"), ["start:a", "a:"], ["a#1<start", "completed"], id="a node with only error edges is one without edges out"
    ),
    pytest.param(
        graph("start>a start>t", t={"kind": "terminate"}),
        ["start:a,t", "t:"],
        ["a#1<start t#1<start", "completed"],
        id="terminate ends its frame at once",
    ),
]


@pytest.mark.parametrize(("document", "happened", "expected"), CASES)
def test_the_frame_goes_on_as_the_page_says(document: Mapping[str, object], happened: list[str], expected: list[str]) -> None:
    assert history(document, *happened) == expected


def test_a_knot_is_cut_at_the_node_discovered_first() -> None:
    """d waits for b (its body), b for a, and a, entered from the side, for the head d."""
    document = graph("start>s s>c s>a d>a b>d c>d a>b a>c c>b")

    assert history(document, "start:s", "s:c,a", "c:d,b") == ["s#1<start", "c#1<s", "d#1<c"]


def test_a_back_edge_leads_to_the_node_that_the_search_has_open() -> None:
    shape = Shape(graph(LOOP))

    assert (shape.back, shape.loops) == ({("j", "h")}, {"h": {"h", "a", "b", "j"}})


def test_waits_cuts_the_way_round_the_loop_save_into_the_node_itself() -> None:
    shape = Shape(graph(LOOP))

    assert shape.waits("j", set()) == {"a", "b", "h"}
    assert shape.waits("h", set()) == {"a", "b", "j"}
    assert shape.waits("a", set()) == {"h"}


def test_no_path_goes_on_through_a_spent_join_but_one_may_begin_there() -> None:
    shape = Shape(graph("start>s s>a s>b a>m m>j b>j j>end"))

    assert shape.waits("j", {"m"}) == {"m", "b", "s"}
    assert Shape(graph("start>s s>a a>m m>j")).waits("j", {"m"}) == {"m"}
    assert Shape(graph("start>h h>a a>m m>h")).waits("h", {"m"}) == {"m", "a"}
