"""What recorded rows brought about becomes further rows, until nothing is left to derive.

The planner's part happens inside the fold (`domain.run.fold`): every row leaves behind what became ready, ended, or is to be stopped.
"""

from application import deciding
from application.account import Call
from application.attempts import Attempt
from application.breakpoints import stop_after
from application.deadlines import take_verdicts
from application.deciding import NEVER, RetryPolicy
from application.drive import Drive
from application.ending import end_if_over
from application.intents import decided, is_unknown, keep_answer, leave_unknown, lose_sight, retries_after
from application.programs import Program
from application.recalling import recalls_before_it_finishes
from application.sleeping import park, rest
from application.spans import attempt_ended
from application.stopping import stop
from application.wishes import take_wishes
from domain.errors import NodeExecutionError, WeftError, failure_of
from domain.ids import ContentHash
from domain.json import JsonObject
from domain.ports.expressions import RECALLED
from domain.ports.nodes import EndFrame, Finished, OpenFrames, Park
from domain.run import events
from domain.run.state import Activation, Frame, Signal
from domain.usage import Usage


def derive(drive: Drive) -> None:
    """Record every row that needs nobody to run: wishes, results, frames that begin and end. Leaves what is ready in `drive.queue`."""
    state = drive.state
    take_wishes(drive)
    if drive.verdicts:
        for attempt in take_verdicts(drive):
            settle(drive, attempt)
    while drive.results:
        settle(drive, drive.results.popleft())
    while drive.late:
        _count_late(drive, *drive.late.popleft())
    while True:
        while state.withdrawn:
            _let_go(drive, state.withdrawn.pop())
        if end_if_over(drive):
            return
        if not _derive_one(drive):
            break
    _queue_up(drive, state.ready)


def _derive_one(drive: Drive) -> bool:
    """One thing that rows brought about; False when there is none."""
    state = drive.state
    if state.to_begin:
        _begin(drive, state.to_begin.pop(0))
    elif state.gathered:
        _gather(drive, state.gathered.pop(0))
    elif state.ended:
        _end_frame(drive, state.ended.pop(0))
    elif state.woken and not state.is_held:
        _wake(drive, state.woken.pop(0))
    elif state.answered and not state.is_held:
        _go_on(drive, state.answered.pop(0))
    elif state.decided and not state.is_held:
        _decide(drive, state.decided.pop(0))
    else:
        return False
    return True


def _queue_up(drive: Drive, ready: list[Activation]) -> None:
    for activation in ready:
        if activation.is_parked:
            rest(drive, activation)
        else:
            drive.queue.append(activation)
    ready.clear()


def woken(activation: Activation, signal: Signal) -> Attempt:
    """What comes of an activation that has its signal."""
    return Attempt(activation, Finished({"woke_by": signal.name, "payload": signal.payload}))


def _let_go(drive: Drive, activation: Activation) -> None:
    stop(drive, activation)
    leave_unknown(drive, activation)


def _decide(drive: Drive, activation: Activation) -> None:
    if drive.state.active.get(activation.path) is activation:
        settle(drive, decided(activation))


def _wake(drive: Drive, activation: Activation) -> None:
    if activation.woken_by is not None and drive.state.active.get(activation.path) is activation:
        stop(drive, activation)
        settle(drive, woken(activation, activation.woken_by))


def _go_on(drive: Drive, activation: Activation) -> None:
    """With what a person said."""
    if drive.state.active.get(activation.path) is activation:
        drive.queue.appendleft(activation)


def _begin(drive: Drive, frame: Frame) -> None:
    if drive.state.frames.get(frame.path) is not frame:
        return
    try:
        drive.record(deciding.begun(frame, drive.program(frame), drive.about))
    except WeftError as error:
        _fail_frame(drive, frame, error)


def _end_frame(drive: Drive, frame: Frame) -> None:
    """The row that a child frame ends with; the root's is the run's (see `application.ending`)."""
    if frame.parent is None or drive.state.frames.get(frame.path) is not frame:
        return
    if frame.failure is not None:
        drive.record(deciding.frame_ended(frame, failure=frame.failure))
        return
    try:
        output = frame.output if frame.has_output else deciding.output_of(frame, drive.program(frame), drive.about)
    except WeftError as error:
        _fail_frame(drive, frame, error)
    else:
        drive.record(deciding.frame_ended(frame, output))


def _fail_frame(drive: Drive, frame: Frame, error: WeftError) -> None:
    if frame.parent is None:
        drive.end_failed(failure_of(error))
    else:
        drive.record(deciding.frame_ended(frame, failure=failure_of(error)))


def _gather(drive: Drive, parent: Activation) -> None:
    """All child frames that were wanted are done: the node that opened them finishes, or fails with the first failure."""
    if drive.state.active.get(parent.path) is not parent or parent.children is None:
        return
    children = parent.children
    if children.failure is not None:
        message = f"a frame of {parent.node} failed at {children.failure.node or 'its end'}: {children.failure.message}"
        error = NodeExecutionError(message, children.failure.code, retryable=children.failure.retryable)
        settle(drive, Attempt(parent, error))
        return
    outputs = children.outputs()
    settle(drive, Attempt(parent, Finished(outputs if children.opened.is_map else outputs[0])))


def settle(drive: Drive, attempt: Attempt) -> None:
    """Turn what came of an attempt into a row. An attempt at something no longer wanted only leaves its usage."""
    activation, number = attempt.activation, attempt.activation.attempt
    used = attempt.outcome.usage if isinstance(attempt.outcome, Finished) else attempt.usage
    if drive.state.active.get(activation.path) is not activation:
        _count_late(drive, (activation, 0), used)
        return
    drive.tasks.pop(activation.path, None)
    if drive.recalls and isinstance(attempt.outcome, Finished) and recalls_before_it_finishes(drive, attempt):
        return  # comes back
    recalled = drive.recalled.pop(activation.path, None) if drive.recalls else None
    if attempt.woken and activation.woken_by is not None:
        return  # its signal came first
    if attempt.woken:
        activation.state, activation.read_at = activation.frame.state, drive.position
    if activation.intent is not None:
        keep_answer(drive, attempt)
    is_open = is_unknown(attempt)
    if isinstance(attempt.outcome, WeftError):
        _settle_failed(drive, attempt)
    else:
        try:
            _interpret(drive, attempt, recalled)
        except WeftError as error:
            _fail(drive, activation, error, used, NEVER if activation.intent is not None else drive.tools.retries)
    _charge(drive, (activation, 0), used, number, is_open=is_open)
    attempt_ended(drive, attempt, number)


def _charge(drive: Drive, call: Call, used: Usage | None, number: int, *, is_open: bool) -> None:
    """`is_open`: nobody knows whether it was made."""
    if used is not None:
        drive.bill(call, used, number)
    elif is_open and call in drive.account.begun:
        row = drive.account.lose(call)  # nobody here will hear what it came to
        drive.charge(row.usage, row.state)
    elif drive.reserves:
        drive.account.let_off(call)


def _settle_failed(drive: Drive, attempt: Attempt) -> None:
    assert isinstance(attempt.outcome, WeftError)
    if is_unknown(attempt):
        lose_sight(drive, attempt)
    else:
        _fail(drive, attempt.activation, attempt.outcome, attempt.usage, retries_after(drive, attempt))


def _interpret(drive: Drive, attempt: Attempt, recalled: JsonObject | None) -> None:
    activation, outcome = attempt.activation, attempt.outcome
    program = drive.program(activation.frame)
    match outcome:
        case Finished():
            scope = dict(attempt.scope) if attempt.scope else deciding.scope_of(activation, drive.about)
            if recalled is not None:
                scope[RECALLED] = recalled
            drive.record(deciding.finished(activation, program, scope, outcome.output, outcome.usage, attempt.seconds))
            if drive.breaks:
                stop_after(drive, activation)
        case OpenFrames():
            drive.record(deciding.opened(drive.state, activation, outcome, _child(drive, activation, program, outcome)))
        case Park():
            park(drive, activation, outcome)
        case EndFrame():
            drive.record(deciding.terminated(activation, outcome))
            if drive.breaks:
                stop_after(drive, activation)
        case _:
            raise NodeExecutionError(f"{activation.node} returned {type(outcome).__name__}, not Finished, OpenFrames, Park or EndFrame")


def _child(drive: Drive, activation: Activation, program: Program, outcome: OpenFrames) -> Program:
    if not outcome.workflow:
        return program.inner[activation.index]
    content = program.hash if outcome.workflow == "self" else ContentHash(drive.loaded.versions.get(outcome.workflow, ""))
    if content not in drive.loaded.by_hash:
        raise NodeExecutionError(
            f"{activation.node} names workflow {outcome.workflow}, which was not there when the run started", "workflow_not_found"
        )
    return drive.loaded.by_hash[content]


def _fail(drive: Drive, activation: Activation, error: WeftError, used: Usage | None, policy: RetryPolicy) -> None:
    drive.record(deciding.failed(activation, error, used, policy, drive.now()))


def _count_late(drive: Drive, call: Call, used: Usage | None) -> None:
    if used is None:
        return drive.account.let_off(call)
    drive.record(events.UsageCounted(call[0].path, used))
    drive.bill(call, used, call[0].attempt)
    return None
