"""What is to be undone, as plain JSON and back. It may belong to frames that are over: those are kept with it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Protocol

from domain.graph.compiled import CompiledGraph
from domain.ids import ActivationPath, ContentHash, FramePath, NodeIndex, Position
from domain.run.events import FramesOpened
from domain.run.state import Done, Frame, RunState, Undo

Plain = dict[str, Any]
Graphs = Mapping[ContentHash, CompiledGraph]


class DumpFrame(Protocol):
    def __call__(self, frame: Frame) -> Plain: ...


class FillFrame(Protocol):
    def __call__(self, run: RunState, frame: Frame, plain: Plain) -> None: ...


def dump(run: RunState, dump_frame: DumpFrame) -> Plain:
    """Empty when there is nothing to undo."""
    if not run.done and not run.undoing:
        return {}
    over = list(dict.fromkeys(done.frame for done in _everything(run) if run.frames.get(done.frame.path) is not done.frame))
    return {
        "over": [_over(frame, run.graphs, dump_frame) for frame in over],
        "done": [_done(done, over) for done in run.done],
        "undoing": [_undoing(frame, over) for frame in run.undoing.values()],
    }


def load(run: RunState, plain: Plain, fill: FillFrame) -> None:
    """Into a run whose live frames are there."""
    if not plain:
        return
    over = [_frame_over(run, written, fill) for written in plain["over"]]
    run.done = [_as_done(run, written, over) for written in plain["done"]]
    for written in plain["undoing"]:
        owner = run.frames[written["frame"]]
        owner.is_undoing = True
        owner.to_undo = [_as_done(run, one, over) for one in written["to_undo"]]
        if written["undo"] is not None:
            path, done = written["undo"]
            owner.undo = run.active[path]
            owner.undo.undoes = Undo(_as_done(run, done, over), owner)
        run.undoing[owner.path] = owner


def _everything(run: RunState) -> Iterator[Done]:
    yield from run.done
    for frame in run.undoing.values():
        yield from frame.to_undo
        if frame.undo is not None and frame.undo.undoes is not None:
            yield frame.undo.undoes.done


def _done(done: Done, over: list[Frame]) -> list[object]:
    where = over.index(done.frame) if done.frame in over else done.frame.path
    return [done.activation, where, done.index, done.output, done.at, done.unknown]


def _as_done(run: RunState, plain: list[Any], over: list[Frame]) -> Done:
    activation, where, index, output, at, unknown = plain
    frame = over[where] if isinstance(where, int) else run.frames[where]
    return Done(ActivationPath(activation), frame, NodeIndex(index), output, Position(at), unknown)


def _undoing(frame: Frame, over: list[Frame]) -> Plain:
    undo = None
    if frame.undo is not None and frame.undo.undoes is not None:
        undo = [frame.undo.path, _done(frame.undo.undoes.done, over)]
    return {"frame": frame.path, "to_undo": [_done(done, over) for done in frame.to_undo], "undo": undo}


def _over(frame: Frame, graphs: Graphs, dump_frame: DumpFrame) -> Plain:
    opened = None if frame.opened is None else asdict(frame.opened)
    return {"path": frame.path, "graph": _named(graphs, frame.graph), "item": frame.item, "opened": opened, **dump_frame(frame)}


def _frame_over(run: RunState, plain: Plain, fill: FillFrame) -> Frame:
    opened = plain["opened"] and FramesOpened(
        **{**plain["opened"], "inputs": tuple(plain["opened"]["inputs"]), "items": tuple(plain["opened"]["items"])}
    )
    graph = _found(run.graphs, plain["graph"])
    frame = Frame(FramePath(plain["path"]), graph, plain["input"], plain["state"], item=plain["item"], opened=opened)
    live = run.frames.get(frame.path)
    fill(run, frame, plain)
    if live is None:
        del run.frames[frame.path]
    else:
        run.frames[frame.path] = live
    return frame


def _named(graphs: Graphs, wanted: CompiledGraph) -> list[object]:
    """The hash of the document that a graph stands in, and the way to it through the nodes that hold inner graphs."""
    for content, graph in graphs.items():
        way = _way(graph, wanted)
        if way is not None:
            return [content, *way]
    raise AssertionError("every frame's graph is one that the run knows")


def _way(graph: CompiledGraph, wanted: CompiledGraph) -> list[int] | None:
    if graph is wanted:
        return []
    for index, inner in graph.inner.items():
        way = _way(inner, wanted)
        if way is not None:
            return [index, *way]
    return None


def _found(graphs: Graphs, name: list[Any]) -> CompiledGraph:
    content, *way = name
    graph = graphs[ContentHash(content)]
    for index in way:
        graph = graph.inner[NodeIndex(index)]
    return graph
