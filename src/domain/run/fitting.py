"""What of a parked run would not fit another version of its workflow. Nothing is changed here; see `domain.run.migrating`."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from domain.graph.compiled import CompiledGraph, bits
from domain.ids import ContentHash, NodeId, NodeIndex
from domain.run.continuing import is_ending
from domain.run.migrating import Translation, Translations, paths_of
from domain.run.state import Activation, Done, Frame, RunState

SELF: Final = "self"
"""How a node names the workflow that it stands in."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """`where`: an activation, a node or a channel; "" for the run as a whole."""

    where: str
    code: str
    message: str


def misfits(run: RunState, known: Translations, hashes: Collection[ContentHash]) -> list[Misfit]:
    """`hashes`: of the new version and of every workflow that it names. Nothing found: the run can be moved."""
    if is_ending(run):
        return [Misfit("", "ending", "the run is coming to its end: there is nothing to go on with")]
    found = [one for frame in run.frames.values() if frame.graph in known for one in _in_frame(frame, known[frame.graph])]
    for activation in run.active.values():
        found += _in_activation(run, activation, known, hashes)
    for path, now in paths_of(run, known).items():
        if path != now and run.active[path].attempt > 1:
            why = "is tried again: its calls have keys by that name, which it must keep"
            found.append(Misfit(path, "retrying", f"{path} {why}"))
    return found + [one for done in run.done for one in _undoable(run, done, known)]


def strange_name(old: CompiledGraph, known: Translations, old_name: str, new_name: str) -> str | None:
    """Why `old_name: new_name` cannot stand in a node map; None when it can."""
    *above, name = old_name.split("/")
    graph = old
    for part in above:
        inner = graph.inner.get(graph.index[NodeId(part)]) if part in graph.index else None
        if inner is None or inner not in known:
            return f"no node `{part}` with an inner graph is in both versions"
        graph = inner
    if name not in graph.index:
        return f"the old version has no node `{old_name}`; it has {_names(graph)}"
    if new_name not in known[graph].new.index:
        return f"the new version has no node `{new_name}`; it has {_names(known[graph].new)}"
    if new_name != name and new_name in graph.index:
        return f"the old version has a node `{new_name}` of its own, whose visits cannot be told from those of `{old_name}`"
    return None


def _in_frame(frame: Frame, to: Translation) -> Iterator[Misfit]:
    gone = [NodeIndex(number) for number, found in enumerate(to.numbers) if found is None]
    names = {number: frame.graph.nodes[number].id for number in gone}
    for node, held in frame.tokens.items():
        if node in names:
            yield _gone(frame, names[node], "has been asked to run")
        for source in dict.fromkeys(token.source for token in held if token.source in names and node not in names):
            yield _gone(frame, names[NodeIndex(source)], f"has sent a token that {frame.graph.nodes[node].id} has not used yet")
    for node in bits(frame.spent | frame.fired):
        if node in names:
            yield _gone(frame, names[node], "has run in a round that is not over")


def _gone(frame: Frame, name: str, why: str) -> Misfit:
    where = f"{frame.path}/{name}"
    return Misfit(where, "node_gone", f"{where} {why}, and the new version has no node of that name: map it to one")


def _in_activation(run: RunState, activation: Activation, known: Translations, hashes: Collection[ContentHash]) -> Iterator[Misfit]:
    if activation.intent is not None:
        why = "has announced a call that may happen only once: resolve it, or wait until the run has gone on"
        yield Misfit(activation.path, "open_call", f"{activation.path} {why}")
    to = known.get(activation.frame.graph)
    number = None if to is None else to.numbers[activation.index]
    if to is not None and number is None:
        yield _gone(activation.frame, activation.node, "is under way")
    elif to is not None and number is not None:
        was, now = activation.frame.graph.nodes[activation.index].kind, to.new.nodes[number].kind
        if was != now:
            yield Misfit(activation.path, "kind_changed", f"{activation.path} is under way as {was}, and is {now} in the new version")
        yield from _in_inner(activation, to, number)
    yield from _in_children(run, activation, hashes)


def _in_inner(activation: Activation, to: Translation, number: NodeIndex) -> Iterator[Misfit]:
    if activation.children is not None and activation.children.opened.graph is None and number not in to.new.inner:
        yield Misfit(activation.path, "inner_graph_gone", f"{activation.path} runs its inner graph, and has none in the new version")


def _in_children(run: RunState, activation: Activation, hashes: Collection[ContentHash]) -> Iterator[Misfit]:
    """A workflow that was called goes on as the version that it was called as, which the new one must name too."""
    if activation.children is None or activation.children.opened.graph is None:
        return
    called = activation.children.opened.graph
    name = activation.frame.graph.nodes[activation.index].config.get("workflow")
    if called == run.started.workflow:
        if name != SELF:
            yield Misfit(activation.path, "child_workflow", f"{activation.path} runs {name}, the very version that the run is to leave")
    elif called not in hashes:
        why = "in a version that the new one does not use: wait until it has ended"
        yield Misfit(activation.path, "child_workflow", f"{activation.path} runs {name} {why}")


def _undoable(run: RunState, done: Done, known: Translations) -> Iterator[Misfit]:
    graph = done.frame.graph
    if graph not in known:
        if _is_within(run.root.graph, graph):
            yield Misfit(done.activation, "undo_gone", f"{done.activation} could not be undone: the new version has not its inner graph")
        return
    number = known[graph].numbers[done.index]
    if number is None or known[graph].new.nodes[number].compensate is None:
        yield Misfit(done.activation, "undo_gone", f"{done.activation} could not be undone: in the new version nothing says how")


def _is_within(graph: CompiledGraph, wanted: CompiledGraph) -> bool:
    return graph is wanted or any(_is_within(inner, wanted) for inner in graph.inner.values())


def _names(graph: CompiledGraph) -> str:
    return ", ".join(sorted(graph.index)) or "none"
