"""Undoing: when a frame fails or the run is cancelled, what finished in it is undone, the newest first, one at a time.

A node says with `compensate` which node undoes it. A frame that is being undone is not done before the last of its compensations is over.
"""

from dataclasses import replace

from domain.errors import Failure
from domain.ids import ROOT, ActivationPath, FramePath, Position
from domain.json import Json
from domain.run.frames import withdraw, withdraw_all
from domain.run.state import Activation, Done, Frame, RunState, Undo


def remember(run: RunState, activation: Activation, output: Json, position: Position, *, unknown: bool = False) -> None:
    """The activation finished, or may have (`unknown`): if its node says what undoes it, that can be done from now on."""
    if activation.frame.graph.nodes[activation.index].compensate is not None:
        run.done.append(Done(activation.path, activation.frame, activation.index, output, position, unknown))


def wind_up(run: RunState, frame: Frame) -> None:
    """Nothing more comes of what the frame was doing: withdraw it, undo what finished in it and below, then it is done."""
    if frame.is_undoing:
        return
    withdraw_all(run, frame)
    for other in list(run.undoing.values()):
        if _is_within(other.path, frame.path):
            _hand_over(run, other)
    frame.is_undoing, frame.is_done = True, False
    run.undoing[frame.path] = frame
    frame.to_undo = sorted((done for done in run.done if _is_within(done.frame.path, frame.path)), key=lambda done: done.at)
    run.done = [done for done in run.done if not _is_within(done.frame.path, frame.path)]
    _undo_next(run, frame)


def undone(run: RunState, activation: Activation, failure: Failure | None = None) -> None:
    """A compensation is over. One that failed is told of in the failure of its frame; the others go on."""
    assert activation.undoes is not None
    owner, done = activation.undoes.owner, activation.undoes.done
    owner.undo = None
    if failure is not None:
        owner.failure = _with(owner.failure, f"undoing {done.activation} failed: {failure.message}", failure)
    _undo_next(run, owner)


def _with(failure: Failure | None, more: str, cause: Failure) -> Failure:
    if failure is None:
        return Failure("compensation_failed", more, cause.node)
    return replace(failure, message=f"{failure.message}; {more}")


def _undo_next(run: RunState, owner: Frame) -> None:
    if not owner.to_undo:
        owner.is_done = True
        run.undoing.pop(owner.path, None)
        run.ended.append(owner)
        return
    owner.undo = _start(run, owner, owner.to_undo.pop())


def _start(run: RunState, owner: Frame, done: Done) -> Activation:
    """It runs in the frame of what it undoes, also when that frame is over by now."""
    frame = done.frame
    graph = frame.graph
    node = graph.nodes[done.index].compensate
    assert node is not None, "only what can be undone is remembered"
    index = graph.index[node]
    visit = frame.visits[index] = frame.visits.get(index, 0) + 1
    path = ActivationPath(f"{frame.path}/{node}#{visit}")
    activation = Activation(path, frame, index, visit, run.position, frame.state, (), undoes=Undo(done, owner))
    frame.running.setdefault(index, []).append(activation)
    frame.active |= graph.bit[index]
    run.active[path] = activation
    run.steps += 1
    run.ready.append(activation)
    return activation


def _hand_over(run: RunState, frame: Frame) -> None:
    """A frame above is wound up: what this one has not undone yet becomes that one's."""
    if frame.undo is not None:
        assert frame.undo.undoes is not None
        run.done.append(frame.undo.undoes.done)
        withdraw(run, frame.undo)
    run.done += frame.to_undo
    frame.undo, frame.to_undo = None, []
    run.undoing.pop(frame.path, None)


def set_aside(run: RunState, activation: Activation) -> None:
    """The activation is tried again: frames it had open keep what can be undone in them, under a name that the next try does not use."""
    for done in run.done:
        if done.frame.path.startswith(f"{activation.path}["):
            done.frame.path = FramePath(f"{done.frame.path}~{activation.attempt}")


def _is_within(path: FramePath, above: FramePath) -> bool:
    return above == ROOT or path == above or path.startswith(f"{above}/")
