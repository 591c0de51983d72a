"""How a run moves, with a function for each kind of rows: a row is applied to the state that all earlier rows made.

Deterministic, and the only place that changes a `RunState`; what becomes ready is derived here and stored nowhere.
"""

from collections.abc import Callable, Mapping

from domain.change import applied
from domain.errors import Failure
from domain.graph.compiled import CompiledGraph
from domain.ids import ContentHash, Position
from domain.json import Json
from domain.run import events, intents
from domain.run.answers import answer, ask
from domain.run.edits import edit
from domain.run.frames import close_frame, first_frame, next_frames, withdraw_all, withdraw_below
from domain.run.migrating import migrate
from domain.run.moves import begin_frame, deliver, fail_frame, leave, settle, write
from domain.run.signals import listen, receive, unpark
from domain.run.state import Activation, Children, RunState, Signal, State
from domain.run.undoing import remember, set_aside, undone, wind_up


def begin(
    started: events.RunStarted, position: Position, graph: CompiledGraph, graphs: Mapping[ContentHash, CompiledGraph], values: State
) -> RunState:
    """The state after a run's first row. `values`: what the thread holds; `graphs`: every workflow version the run may meet, by hash."""
    run = RunState(started, first_frame(graph, started.input, values), graphs, position=position)
    run.frames[run.root.path] = run.root
    begin_frame(run, run.root, position)
    return run


def apply(run: RunState, event: events.Event, position: Position) -> RunState:
    """Move `run` by one row and return it. Rows come in order and none twice."""
    run.position = position
    _MOVES[event.__class__](run, event, position)
    return run


def resume(run: RunState) -> RunState:
    """After a fold of old rows: what is still to be done, however often it was begun before."""
    run.withdrawn.clear()
    run.woken = [a for a in run.active.values() if a.is_woken]
    run.answered = [a for a in run.active.values() if a.is_answered]
    run.decided = [a for a in run.active.values() if a.is_decided]
    run.ready = [a for a in run.active.values() if a.children is None and not (a.is_woken or a.is_decided or a.is_answered)]
    run.gathered = [a for a in run.active.values() if a.children is not None and a.children.is_done]
    run.to_begin = [frame for frame in run.frames.values() if not frame.begun and not frame.is_done]
    run.ended = [frame for frame in run.frames.values() if frame.is_done]
    return run


def _frame_begun(run: RunState, event: events.FrameBegun, position: Position) -> None:
    frame = run.frames[event.frame]
    frame.begun = True
    deliver(frame, len(frame.graph.nodes), event.taken, position, None)
    settle(run, frame, position)


def _node_finished(run: RunState, event: events.NodeFinished, position: Position) -> None:
    activation = run.active[event.activation]
    frame = activation.frame
    if event.updates:
        write(frame, activation, event.updates, position)
    leave(run, activation)
    if activation.undoes is not None:
        return undone(run, activation)
    remember(run, activation, event.output, position)
    deliver(frame, activation.index, event.taken, position, None)
    settle(run, frame, position)
    return None


def _attempt_failed(run: RunState, event: events.AttemptFailed, position: Position) -> None:
    activation = run.active[event.activation]
    withdraw_below(run, activation)
    set_aside(run, activation)
    activation.attempt = event.failure.attempt + 1
    activation.retry_at = event.retry_at
    unpark(run, activation)
    intents.forget(activation, anew=event.anew)
    if event.failure.code == "concurrent_write":
        activation.read_at, activation.state = position, activation.frame.state
    run.ready.append(activation)


def _node_failed(run: RunState, event: events.NodeFailed, position: Position) -> None:
    activation = run.active[event.activation]
    frame = activation.frame
    withdraw_below(run, activation)
    leave(run, activation)
    if activation.undoes is not None:
        undone(run, activation, event.failure)
    elif event.taken:
        deliver(frame, activation.index, event.taken, position, event.failure)
        settle(run, frame, position)
    else:
        fail_frame(run, frame, event.failure)


def _frames_opened(run: RunState, event: events.FramesOpened, position: Position) -> None:
    activation = run.active[event.activation]
    graph = activation.frame.graph.inner[activation.index] if event.graph is None else run.graphs[event.graph]
    activation.children = Children(event, graph)
    _go_on(run, activation, position)


def _frame_ended(run: RunState, event: events.FrameEnded, position: Position) -> None:
    frame = run.frames[event.frame]
    parent = frame.parent
    assert parent is not None, "only child frames end by a row of their own"
    assert parent.children is not None
    close_frame(run, frame)
    children = parent.children
    if event.failure is None:
        children.results[frame.item] = event.output
    elif children.opened.collect_errors:
        children.results[frame.item] = {"error": event.failure.as_json()}
    else:
        children.failure = event.failure
    _go_on(run, parent, position)


def _go_on(run: RunState, parent: Activation, position: Position) -> None:
    assert parent.children is not None
    if parent.children.is_done:
        for child in list(parent.children.live.values()):
            withdraw_all(run, child)
            close_frame(run, child)
        run.gathered.append(parent)
        return
    for frame in next_frames(run, parent):
        begin_frame(run, frame, position)


def _node_parked(run: RunState, event: events.NodeParked, position: Position) -> None:
    activation = run.active[event.activation]
    activation.parked_for, activation.parked_until, activation.parked_output = event.waiting_for, event.until, event.output
    activation.about = None
    if event.about is not None:
        ask(run, activation, event.about, position)
    elif event.signals:
        listen(run, activation, event.signals, position)


def _answered(run: RunState, event: events.Answered, position: Position) -> None:
    answer(run, run.active[event.activation], event.answer, event.by, position)


def _signal_received(run: RunState, event: events.SignalReceived, position: Position) -> None:
    if event.key:
        run.signal_keys.add(event.key)
    receive(run, Signal(event.name, event.payload), position, keep=not event.transient)


def _pause_requested(run: RunState, event: events.PauseRequested, position: Position) -> None:
    run.is_paused = True
    if event.activation is not None:
        run.stopped.add(event.activation)
        run.stopped_at = event.activation


def _resumed(run: RunState, event: events.Resumed, position: Position) -> None:
    run.is_paused, run.stopped_at = False, None


def _time_forgiven(run: RunState, event: events.TimeForgiven, position: Position) -> None:
    run.forgiven += event.seconds


def _terminated(run: RunState, event: events.Terminated, position: Position) -> None:
    activation = run.active[event.activation]
    frame = activation.frame
    leave(run, activation)
    if not event.completed:
        fail_frame(run, frame, Failure("terminated", f"{activation.node} ended the run as failed", activation.node))
        frame.output = event.output
        return
    withdraw_all(run, frame)
    frame.is_done, frame.has_output, frame.output = True, True, event.output
    run.ended.append(frame)


def _usage_counted(run: RunState, event: events.UsageCounted, position: Position) -> None:
    """Accounts only; nothing moves."""


def _budget_alert(run: RunState, event: events.BudgetAlert, position: Position) -> None:
    run.alerts[event.budget, event.subject, event.period] = event.limit, event.percent


def _cancel_requested(run: RunState, event: events.CancelRequested, position: Position) -> None:
    run.is_cancelling = True
    wind_up(run, run.root)


def _run_failing(run: RunState, event: events.RunFailing, position: Position) -> None:
    run.failure = event.failure
    fail_frame(run, run.root, event.failure)


def _run_ended(run: RunState, event: events.RunEnded, position: Position) -> None:
    run.status, run.output, run.failure = event.status, event.output, event.failure
    withdraw_all(run, run.root)


def _run_started(run: RunState, event: events.RunStarted | events.RunContinued, position: Position) -> None:
    raise AssertionError(f"run {run.run} has started already")


_MOVES: Mapping[type[events.Event], Callable[..., None]] = {
    events.NodeFinished: _node_finished,
    events.FrameBegun: _frame_begun,
    events.AttemptFailed: _attempt_failed,
    events.NodeFailed: _node_failed,
    events.FramesOpened: _frames_opened,
    events.FrameEnded: _frame_ended,
    events.NodeParked: _node_parked,
    events.Answered: _answered,
    events.Terminated: _terminated,
    events.EffectIntended: intents.intend,
    events.EffectFinished: intents.keep,
    events.EffectUnknown: intents.lose_sight,
    events.EffectResolved: intents.resolve,
    events.UsageCounted: _usage_counted,
    events.BudgetAlert: _budget_alert,
    events.CancelRequested: _cancel_requested,
    events.PauseRequested: _pause_requested,
    events.Resumed: _resumed,
    events.SignalReceived: _signal_received,
    events.TimeForgiven: _time_forgiven,
    events.StateEdited: edit,
    events.StateRestored: edit,
    events.RunMigrated: migrate,
    events.RunFailing: _run_failing,
    events.RunEnded: _run_ended,
    events.RunStarted: _run_started,
    events.RunContinued: _run_started,
}


def carried(values: State, run: RunState) -> dict[str, Json]:
    """What the thread holds after a run: its own values, over them what the run's channels held."""
    return {**values, **run.root.state}


def edited(values: State, run: RunState | None, event: events.StateEdited | events.StateRestored) -> dict[str, Json]:
    """What the thread holds after an edit. `values`: before the run that is under way; `run` does not know of the edit yet."""
    return applied(values if run is None else carried(values, run), event.changes)
