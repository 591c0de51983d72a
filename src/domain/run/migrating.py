"""A run that moves to another version of its workflow: its frames stand in other graphs from then on, nodes under other numbers and
names. What would not fit there is said by `domain.run.fitting`, before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from domain.graph.compiled import CompiledGraph, bits
from domain.graph.definition import JoinKind
from domain.ids import ROOT, ActivationPath, ContentHash, FramePath, NodeId, NodeIndex, Position
from domain.json import Json
from domain.run.events import RunMigrated, RunStarted
from domain.run.frames import initial
from domain.run.moves import settle
from domain.run.planner import wants
from domain.run.state import Activation, Frame, RunState, State, Token


@dataclass(frozen=True, slots=True)
class Translation:
    """`numbers`: by a node's number in the old graph, its number in `new`, None when it is gone; the last is that of `start`."""

    new: CompiledGraph
    numbers: tuple[NodeIndex | None, ...]

    def number(self, of: int) -> NodeIndex:
        """Of what is gone: that of `start`, which nothing waits for."""
        found = self.numbers[of]
        return NodeIndex(len(self.new.nodes)) if found is None else found


Translations = Mapping[CompiledGraph, Translation]
"""By the old graph: the workflow's own, and every inner one that the new version still has."""


def translations(old: CompiledGraph, new: CompiledGraph, nodes: Mapping[str, str], above: str = "") -> dict[CompiledGraph, Translation]:
    """`nodes`: as of `RunMigrated`; a node that it does not name keeps its name."""
    named = [new.index.get(NodeId(nodes.get(f"{above}{node.id}", node.id))) for node in old.nodes]
    found = {old: Translation(new, (*named, NodeIndex(len(new.nodes))))}
    for index, inner in old.inner.items():
        target = named[index]
        if target is not None and target in new.inner:
            found |= translations(inner, new.inner[target], nodes, f"{above}{old.nodes[index].id}/")
    return found


def paths_of(run: RunState, known: Translations) -> dict[ActivationPath, ActivationPath]:
    """Of every activation under way, old -> new."""
    return dict(_paths_below(run.root, ROOT, known))


def _paths_below(frame: Frame, path: FramePath, known: Translations) -> Iterator[tuple[ActivationPath, ActivationPath]]:
    for running in frame.running.values():
        for activation in running:
            now = ActivationPath(f"{path}/{_name(activation, known)}#{activation.visit}")
            yield activation.path, now
            for child in activation.children.live.values() if activation.children else ():
                yield from _paths_below(child, FramePath(f"{now}[{child.item}]"), known)


def _below(path: str, paths: Mapping[ActivationPath, ActivationPath]) -> str:
    """The path of a frame, or of what ran in one, after the activations above it got theirs."""
    above = path.rfind("[")
    while above >= 0:
        now = paths.get(ActivationPath(path[:above]))
        if now is not None:
            return f"{now}{path[above:]}"
        above = path.rfind("[", 0, above)
    return path


def _moved_index(frame: Frame, index: NodeIndex, known: Translations) -> NodeIndex:
    return known[frame.graph].number(index) if frame.graph in known else index


def _name(activation: Activation, known: Translations) -> str:
    found = known.get(activation.frame.graph)
    number = None if found is None else found.numbers[activation.index]
    return activation.node if found is None or number is None else found.new.nodes[number].id


def new_channels(graph: CompiledGraph, frame: Frame, values: State) -> dict[str, Json]:
    """What those channels start from that the frame does not have. `values`: what the thread holds."""
    return {name: value for name, value in initial(graph, frame.input, values).items() if name not in frame.state}


def migrate(run: RunState, event: RunMigrated, position: Position) -> None:
    """`run.graphs` has the new version, and what has been found to fit does. What may start there at once does."""
    old = run.started.workflow
    known = translations(run.root.graph, run.graphs[event.workflow], event.nodes)
    paths = paths_of(run, known)
    moved = [frame for frame in all_frames(run) if frame.graph in known]
    run.done = [replace(done, index=_moved_index(done.frame, done.index, known)) for done in run.done]
    for frame in moved:
        _move(frame, known[frame.graph], event.channels if frame is run.root else {})
    for activation in run.active.values():
        _point_to_new_graph(activation, old, event.workflow, known)
    _rename(run, paths)
    run.started = _started_anew(run.started, event)
    for frame in moved:
        if run.frames.get(frame.path) is frame and frame.begun and not frame.is_done:
            settle(run, frame, position, delivered=False)


def _started_anew(started: RunStarted, event: RunMigrated) -> RunStarted:
    """Breakpoints follow their nodes, in whatever frame these are."""
    last = {name.rpartition("/")[2]: now for name, now in event.nodes.items()}
    before, after = (tuple(last.get(name, name) for name in names) for names in (started.pause_before, started.pause_after))
    return replace(started, workflow=event.workflow, versions=event.versions, pause_before=before, pause_after=after)


def all_frames(run: RunState) -> list[Frame]:
    """Also those that are over and hold what can be undone."""
    return list(dict.fromkeys([*run.frames.values(), *(done.frame for done in run.done)]))


def _move(frame: Frame, to: Translation, given: Mapping[str, Json]) -> None:
    _move_state(frame, {**new_channels(to.new, frame, {}), **given})
    old, frame.graph = frame.graph, to.new
    frame.tokens = {to.number(node): [_moved_token(token, to) for token in held] for node, held in frame.tokens.items()}
    frame.running = {to.number(node): held for node, held in frame.running.items()}
    for activation in (one for held in frame.running.values() for one in held):
        activation.index = to.number(activation.index)
        activation.consumed = tuple(_moved_token(token, to) for token in activation.consumed)
    frame.active = sum(to.new.bit[node] for node in frame.running)
    frame.spent, frame.fired = _moved_bits(frame.spent, to, JoinKind.COUNT), _moved_bits(frame.fired, to, JoinKind.FROM)
    frame.pending = sum(to.new.bit[node] for node in frame.tokens if not to.new.counting & to.new.bit[node] or wants(to.new, frame, node))
    frame.visits = _moved_visits(old, frame.visits, to)
    for name, (at, node) in frame.changed.items():
        number = None if node not in old.index else to.numbers[old.index[node]]
        frame.changed[name] = (at, node if number is None else to.new.nodes[number].id)


def _move_state(frame: Frame, more: Mapping[str, Json]) -> None:
    """New channels are there also for who has read the state before."""
    if not more:
        return
    before, frame.state = frame.state, {**more, **frame.state}
    for activation in (one for held in frame.running.values() for one in held):
        activation.state = frame.state if activation.state is before else {**more, **activation.state}


def _moved_token(token: Token, to: Translation) -> Token:
    return Token(to.number(token.source), token.at, token.failure, token.kept)


def _moved_bits(of: int, to: Translation, kind: JoinKind) -> int:
    """Of nodes that still join that way."""
    now = [to.number(node) for node in bits(of)]
    return sum(to.new.bit[node] for node in now if node < len(to.new.nodes) and to.new.joins[node].kind is kind)


def _moved_visits(old: CompiledGraph, visits: Mapping[NodeIndex, int], to: Translation) -> dict[NodeIndex, int]:
    """A new node under the name of an old one goes on counting: no path is used twice."""
    found: dict[NodeIndex, int] = {}
    for node, count in visits.items():
        for number in (to.numbers[node], to.new.index.get(old.nodes[node].id)):
            if number is not None:
                found[number] = max(found.get(number, 0), count)
    return found


def _point_to_new_graph(activation: Activation, old: ContentHash, new: ContentHash, known: Translations) -> None:
    children = activation.children
    if children is None or children.graph not in known:
        return
    children.graph = known[children.graph].new
    if children.opened.graph == old:
        children.opened = replace(children.opened, graph=new)
        for child in children.live.values():
            child.opened = children.opened


def _rename(run: RunState, paths: Mapping[ActivationPath, ActivationPath]) -> None:
    run.done = [replace(done, activation=ActivationPath(_below(done.activation, paths))) for done in run.done]
    for frame in all_frames(run):
        frame.path = FramePath(_below(frame.path, paths))
    for path, activation in run.active.items():
        activation.path = paths[path]
        if activation.children is not None:
            activation.children.live = {frame.path: frame for frame in activation.children.live.values()}
    run.frames = {frame.path: frame for frame in run.frames.values()}
    run.active = {activation.path: activation for activation in run.active.values()}
    run.listening = {activation.path: activation for activation in run.listening.values()}
    run.stopped = {paths.get(path, path) for path in run.stopped}
    run.stopped_at = None if run.stopped_at is None else paths.get(run.stopped_at, run.stopped_at)
    run.renamed = {path: paths.get(now, now) for path, now in run.renamed.items()}
    run.renamed |= {path: now for path, now in paths.items() if path != now}
