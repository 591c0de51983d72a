"""Tokens and activations: delivering, starting, finishing, failing. Each function leaves the frame consistent; `settle` starts what may
start."""

from collections.abc import Mapping, Sequence

from domain.errors import Failure
from domain.graph.compiled import CompiledGraph, bits
from domain.graph.definition import END, JoinKind, OnStarved
from domain.ids import ActivationPath, NodeId, NodeIndex, Position
from domain.json import Json
from domain.run.frames import withdraw
from domain.run.merge import ABSENT, merged
from domain.run.planner import plan, rounds_over, starved, wants
from domain.run.state import Activation, Frame, RunState, Token
from domain.run.undoing import wind_up


def begin_frame(run: RunState, frame: Frame, position: Position) -> None:
    """Send the tokens of `start`, or ask the engine where they go when an expression decides."""
    targets = frame.graph.start_targets
    if targets is None:
        run.to_begin.append(frame)
        return
    frame.begun = True
    deliver(frame, len(frame.graph.nodes), targets, position, None)
    settle(run, frame, position)


def write(frame: Frame, activation: Activation, updates: Mapping[str, Json], position: Position) -> None:
    """Merge updates into the channels; whoever read the old state keeps it."""
    frame.state = written(frame, updates)
    mark = (position, activation.node)
    for name in updates:
        frame.changed[name] = mark


def written(frame: Frame, updates: Mapping[str, Json]) -> dict[str, Json]:
    """The frame's state as it would be after these updates."""
    state = dict(frame.state)
    channels = frame.graph.graph.channels
    for name, update in updates.items():
        state[name] = merged(channels[name].merge, state.get(name, ABSENT), update)
    return state


def leave(run: RunState, activation: Activation) -> None:
    """The activation is over; nothing is delivered yet."""
    frame, index = activation.frame, activation.index
    del run.active[activation.path]
    run.listening.pop(activation.path, None)
    running = frame.running[index]
    if len(running) == 1:
        del frame.running[index]
        frame.active ^= frame.graph.bit[index]
    else:
        running.remove(activation)


def deliver(frame: Frame, source: int, targets: Sequence[NodeId], position: Position, failure: Failure | None) -> None:
    """Put one token on each target; `end` and spent nodes absorb it."""
    graph = frame.graph
    if failure is None and not graph.edges_of[source]:
        frame.reached_end = True
    for target in targets:
        if target == END:
            frame.reached_end = True
            continue
        node = graph.index[target]
        if frame.spent & graph.bit[node]:
            continue
        held = frame.tokens.get(node)
        token = Token(source, position, failure)
        if held is None:
            frame.tokens[node] = [token]
        else:
            held.append(token)
        if not graph.counting & graph.bit[node] or wants(graph, frame, node):
            frame.pending |= graph.bit[node]


def settle(run: RunState, frame: Frame, position: Position, *, delivered: bool = True) -> None:
    """After tokens moved: end rounds, then start what may start until nothing more may; a frame with nothing left in flight is done. Rounds
    end only where something was `delivered`."""
    graph = frame.graph
    if (frame.spent or frame.fired) and delivered:
        _end_rounds(frame)
    while not frame.is_done and run.failure is None:
        if graph.counting and _feed_the_starved(run, frame):
            continue
        ready = plan(graph, frame) if frame.pending else ()
        if not ready:
            break
        for node in ready:
            while frame.pending & graph.bit[node] and _has_room(frame, node):
                start(run, frame, node, position)
    if not frame.active and not frame.pending and not frame.is_done and run.failure is None:
        _close(run, frame)


def _has_room(frame: Frame, node: NodeIndex) -> bool:
    running = frame.running.get(node)
    return running is None or (bool(frame.graph.free & frame.graph.bit[node]) and len(running) < frame.graph.nodes[node].concurrency)


def start(run: RunState, frame: Frame, node: NodeIndex, position: Position) -> None:
    """An activation of `node` becomes ready: it takes its tokens and reads the state as it is now."""
    graph = frame.graph
    limits, visit = run.started.limits, frame.visits.get(node, 0) + 1
    if visit > limits.visits:
        return fail_frame(run, frame, _limit("visits", f"{graph.nodes[node].id} was visited {limits.visits} times", graph.nodes[node].id))
    if run.steps >= limits.steps:
        return _fail_run(run, _limit("steps", f"the run took {limits.steps} steps", graph.nodes[node].id))
    run.steps += 1
    frame.visits[node] = visit
    path = ActivationPath(f"{frame.path}/{graph.nodes[node].id}#{visit}")
    activation = Activation(path, frame, node, visit, position, frame.state, _consume(graph, frame, node))
    frame.running.setdefault(node, []).append(activation)
    frame.active |= graph.bit[node]
    run.active[path] = activation
    run.ready.append(activation)
    if graph.counting and (graph.counting & graph.bit[node] or node in graph.loops):
        _mark_round(run, frame, node)
    return None


def _consume(graph: CompiledGraph, frame: Frame, node: NodeIndex) -> tuple[Token, ...]:
    tokens = frame.tokens[node]
    if graph.counting and graph.joins[node].kind is JoinKind.FROM:
        return _consume_named(graph, frame, node)
    if graph.free & graph.bit[node] and len(tokens) > 1:
        return (tokens.pop(0),)
    del frame.tokens[node]
    frame.pending &= ~graph.bit[node]
    return tuple(tokens)


def _consume_named(graph: CompiledGraph, frame: Frame, node: NodeIndex) -> tuple[Token, ...]:
    """The oldest token of each named source."""
    taken: dict[int, Token] = {}
    kept: list[Token] = []
    for token in frame.tokens[node]:
        if token.source in taken:
            kept.append(token)
        else:
            taken[token.source] = token
    if kept:
        frame.tokens[node] = kept
    else:
        del frame.tokens[node]
    if not wants(graph, frame, node):
        frame.pending &= ~graph.bit[node]
    return tuple(taken.values())


def _mark_round(run: RunState, frame: Frame, node: NodeIndex) -> None:
    """A counting node is spent (or has fired) from now on; a head that starts ends the rounds of its loop."""
    graph, join = frame.graph, frame.graph.joins[node]
    if join.kind is JoinKind.COUNT:
        frame.spent |= graph.bit[node]
    elif join.kind is JoinKind.FROM:
        frame.fired |= graph.bit[node]
    if node in graph.loops:
        _end(frame, (frame.spent | frame.fired) & graph.loops[node] & ~graph.bit[node])
    if join.cancel_rest:
        _withdraw_rest(run, frame, graph.waits_past(node, frame.spent))


def _withdraw_rest(run: RunState, frame: Frame, waits: int) -> None:
    holding = [node for node in frame.tokens if waits >> node & 1]
    if not frame.active & waits and not holding:
        return
    for other in bits(frame.active & waits):
        for activation in list(frame.running[other]):
            withdraw(run, activation)
    for other in holding:
        del frame.tokens[other]
        frame.pending &= ~frame.graph.bit[other]
    _end_rounds(frame)


def _end_rounds(frame: Frame) -> None:
    _end(frame, rounds_over(frame.graph, frame))


def _end(frame: Frame, over: int) -> None:
    """Tokens that a `from` node holds when a round ends in which it fired are kept: good for later rounds, but never starved by
    themselves."""
    for node in bits(over & frame.fired):
        held = frame.tokens.get(node)
        if held:
            frame.tokens[node] = [Token(token.source, token.at, token.failure, kept=True) for token in held]
    frame.spent &= ~over
    frame.fired &= ~over


def _feed_the_starved(run: RunState, frame: Frame) -> bool:
    """True when some starved node was dealt with, and everything should be looked at again."""
    found = starved(frame.graph, frame)
    for node in found:
        match frame.graph.joins[node].on_starved:
            case OnStarved.RUN:
                frame.pending |= frame.graph.bit[node]
            case OnStarved.DROP:
                del frame.tokens[node]
            case _:
                fail_frame(run, frame, _starvation(frame, node))
                break
    return bool(found)


def _starvation(frame: Frame, node: NodeIndex) -> Failure:
    graph, join = frame.graph, frame.graph.joins[node]
    came = [graph.nodes[token.source].id if token.source < len(graph.nodes) else "start" for token in frame.tokens[node]]
    missing = f"{join.count - len(came)} more" if join.kind is JoinKind.COUNT else ", ".join(sorted(set(join.sources) - set(came)))
    name = graph.nodes[node].id
    return Failure("join_starved", f"{name} got {', '.join(came)} and waits for {missing}, but nothing under way can bring it", name)


def _close(run: RunState, frame: Frame) -> None:
    if not frame.reached_end:
        return fail_frame(
            run, frame, Failure("dead_end", "nothing is left to run and `end` was not reached: no edge was taken after the last node")
        )
    frame.is_done = True
    run.ended.append(frame)
    return None


def fail_frame(run: RunState, frame: Frame, failure: Failure) -> None:
    """Everything in flight in the frame is withdrawn, and what finished is undone; what becomes of the failure is its parent's business,
    or the run's."""
    frame.failure = failure
    wind_up(run, frame)


def _fail_run(run: RunState, failure: Failure) -> None:
    run.failure = failure
    fail_frame(run, run.root, failure)


def _limit(name: str, what: str, node: str) -> Failure:
    return Failure(f"limit_{name}", f"{what}, which is its limit: raise limits.{name} if that is meant", node)
