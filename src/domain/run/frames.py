"""Frames as they open, and everything as it is withdrawn."""

from collections.abc import Iterator
from itertools import islice

from domain.graph.compiled import CompiledGraph
from domain.ids import ROOT, FramePath
from domain.json import Json, JsonObject
from domain.run.events import HAPPENED
from domain.run.state import Activation, Done, Frame, Intent, RunState, State


def first_frame(graph: CompiledGraph, given: JsonObject, values: State) -> Frame:
    """The root: channels start from the thread's values, then the defaults, and the input's members replace both."""
    return Frame(ROOT, graph, given, initial(graph, given, values))


def next_frames(run: RunState, parent: Activation) -> Iterator[Frame]:
    """Open as many of the frames still to come as the node's concurrency leaves room for; stops when one of them ended the node."""
    children = parent.children
    assert children is not None
    room = children.opened.concurrency - len(children.live)
    for item in islice(range(children.next, len(children.opened.inputs)), max(room, 0)):
        if parent.children is not children:
            return
        path = FramePath(f"{parent.path}[{item}]")
        given = children.opened.inputs[item]
        frame = Frame(path, children.graph, given, initial(children.graph, given, {}), parent, item, opened=children.opened)
        children.next = item + 1
        children.live[path] = run.frames[path] = frame
        yield frame


def called_through(frame: Frame) -> tuple[str, ...]:
    """Names of the workflows that a frame stands in below the run's own, the innermost first."""
    names: list[str] = []
    while frame.parent is not None:
        if frame.opened is not None and frame.opened.graph is not None:
            names.append(frame.graph.graph.name)
        frame = frame.parent.frame
    return tuple(names)


def initial(graph: CompiledGraph, given: JsonObject, values: State) -> dict[str, Json]:
    """What the channels of a graph start from, those that start from anything."""
    state: dict[str, Json] = {}
    for name, channel in graph.graph.channels.items():
        if name in given:
            state[name] = given[name]
        elif name in values:
            state[name] = values[name]
        elif channel.has_default:
            state[name] = channel.default
    return state


def close_frame(run: RunState, frame: Frame) -> None:
    """Forget a child frame that has ended or is no longer wanted."""
    run.frames.pop(frame.path, None)
    if frame.parent is not None and frame.parent.children is not None:
        frame.parent.children.live.pop(frame.path, None)


def withdraw(run: RunState, activation: Activation) -> None:
    """Nothing that this activation does counts any more; the engine is told to stop it."""
    frame = activation.frame
    withdraw_below(run, activation)
    del run.active[activation.path]
    run.listening.pop(activation.path, None)
    if activation.intent is not None and frame.graph.nodes[activation.index].compensate is not None:
        _remember_call(run, activation, activation.intent)
    running = frame.running[activation.index]
    running.remove(activation)
    if not running:
        del frame.running[activation.index]
        frame.active ^= frame.graph.bit[activation.index]
    run.withdrawn.append(activation)


def _remember_call(run: RunState, activation: Activation, intent: Intent) -> None:
    """It is undone like what finished, unless somebody said that it failed."""
    said = intent.resolved
    if said is None or said.decision == HAPPENED:
        output = None if said is None else said.output
        run.done.append(Done(activation.path, activation.frame, activation.index, output, intent.at, unknown=said is None))


def withdraw_below(run: RunState, activation: Activation) -> None:
    """Close the frames that an activation holds, and withdraw what runs in them."""
    if activation.children is None:
        return
    for child in list(activation.children.live.values()):
        withdraw_all(run, child)
        close_frame(run, child)
    activation.children = None


def withdraw_all(run: RunState, frame: Frame) -> None:
    """Withdraw whatever is in flight in a frame: activations, tokens, frames below."""
    for running in list(frame.running.values()):
        for activation in list(running):
            withdraw(run, activation)
    frame.tokens.clear()
    frame.pending = frame.spent = frame.fired = 0
