"""Executing what is ready, as far as there is room."""

import asyncio
from collections.abc import Callable
from itertools import islice

from application import deciding
from application.attempts import Attempt, asked, at_once, foretold, in_its_time
from application.breakpoints import stops_before
from application.budgeting import has_room, wait_for_room
from application.capturing import capture_in
from application.deriving import settle, woken
from application.drive import Drive
from application.intents import is_lost_sight_of, may_call, take_back
from application.letting_go import LetGo
from application.performing import Performing, put_back
from application.programs import NodeProgram
from application.progressing import Progress
from application.recalling import recalls_before_it_runs
from application.sleeping import back_off
from application.spans import enter
from domain.errors import WeftError
from domain.granted import Grants, both
from domain.ports.expressions import RECALLED
from domain.ports.feed import Passing
from domain.ports.nodes import Executor, NodeContext
from domain.run.frames import called_through
from domain.run.state import Activation, Frame
from domain.usage import Usage

BATCH = 200
"""Activations that only compute are run in a row at most so often before rows are written and others get a turn."""


def start(drive: Drive) -> bool:
    """Start what there is room for. True: something was run to its end in place, or wants the rows so far durable (`rows_first`)."""
    if not _may_start(drive):
        return take_back(drive)
    ran = 0
    room = drive.state.limits.concurrency
    for _ in range(len(drive.queue)):
        if drive.is_sequential and (drive.tasks or drive.timers or drive.state.listening or ran):
            break
        if ran >= BATCH or len(drive.tasks) >= room:
            break
        activation = drive.queue.popleft()
        if drive.state.active.get(activation.path) is activation:
            ran += not (drive.breaks and stops_before(drive, activation)) and _start_one(drive, activation)
        if drive.rows_first or drive.lines_first:
            return True
    return ran > 0


def reserve_ahead(drive: Drive) -> None:
    """Record what the calls that `start` will make may use, so that their lines are written together, and with the rows that are to be
    written anyway. What cannot be told beforehand is left to `start`."""
    if drive.breaks or not _may_start(drive):
        return
    most = 1 if drive.is_sequential else drive.state.limits.concurrency
    for activation in islice(drive.queue, max(most - len(drive.tasks), 0)):
        if activation.retry_at is not None or activation.intent is not None or drive.state.active.get(activation.path) is not activation:
            continue
        node = drive.program(activation.frame).nodes[activation.index]
        if node.executor.reserve is not None and node.executor.asks is None and (activation, 0) not in drive.account.held:
            _reserve_if_it_fits(drive, activation, node.executor.reserve, _context(drive, activation, node.node.timeout_seconds))


def _reserve_if_it_fits(drive: Drive, activation: Activation, reserve: Callable[[NodeContext], Usage], context: NodeContext) -> None:
    try:
        fits = has_room(drive, activation, reserve, context)
    except WeftError:
        return  # `start` says so
    if fits:
        _reserve(drive, activation, reserve, context)


def _reserve(drive: Drive, activation: Activation, reserve: Callable[[NodeContext], Usage], context: NodeContext) -> WeftError | None:
    granted = drive.account.granted.get((activation, 0))
    usage = foretold(activation, reserve, context) if granted is None else granted.usage
    if isinstance(usage, WeftError):
        return usage
    drive.account.reserve((activation, 0), usage)
    drive.lines_first = True
    return None


def _may_call(drive: Drive, activation: Activation, executor: Executor, context: NodeContext) -> bool:
    """Is all that has to be durable before the call? What it may use comes first: an announced call does not wait for a budget. Raises
    what foretelling it, or working out its arguments, raises."""
    if executor.intend is not None and is_lost_sight_of(drive, activation):
        return False
    if executor.reserve is not None and not _is_reserved(drive, activation, executor.reserve, context):
        return False
    if executor.intend is not None and not may_call(drive, activation, executor.intend, context):
        return False
    return executor.reserve is None or drive.account.may_begin((activation, 0))


def _is_reserved(drive: Drive, activation: Activation, reserve: Callable[[NodeContext], Usage], context: NodeContext) -> bool:
    """Is what the call may use in the ledger? Otherwise it is recorded here, and asked again when it is durable."""
    if drive.account.is_kept((activation, 0)):
        return True
    if not has_room(drive, activation, reserve, context):
        wait_for_room(drive, activation)
        return False
    if (activation, 0) not in drive.account.held and (error := _reserve(drive, activation, reserve, context)) is not None:
        raise error
    drive.lines_first = True
    drive.queue.appendleft(activation)
    return False


def is_about_to_compute(drive: Drive) -> bool:
    """Will `start` do nothing but run what is ready to its end in place?"""
    nodes = [drive.program(activation.frame).nodes[activation.index] for activation in drive.queue]
    return _may_start(drive) and bool(nodes) and not any(node.executor.waits or node.executor.effects or node.recalls for node in nodes)


def _may_start(drive: Drive) -> bool:
    return not drive.is_stopping and drive.ending is None and not drive.state.is_held


def _start_one(drive: Drive, activation: Activation) -> bool:
    if activation.retry_at is not None:
        back_off(drive, activation, activation.retry_at)
        return False
    if activation.woken_by is not None:
        settle(drive, woken(activation, activation.woken_by))
        return True
    node = drive.program(activation.frame).nodes[activation.index]
    if (node.executor.effects and _wants_rows_first(drive, activation)) or (drive.recalls and recalls_before_it_runs(drive, activation)):
        return False
    context = _context(drive, activation, node.node.timeout_seconds)
    question = _question(activation, node.executor, context)
    if question is not None:
        settle(drive, question)
        return True
    try:
        if not _may_call(drive, activation, node.executor, context):
            return False
    except WeftError as error:
        settle(drive, Attempt(activation, error))
        return True
    if drive.tools.feed.wanted(drive.run.id):
        drive.tools.feed.pass_by(Passing(drive.run.id, "started", activation.path))
    if not node.executor.waits:
        settle(drive, at_once(activation, node.executor, context, drive.tools.clock))
        return True
    drive.tasks[activation.path] = asyncio.create_task(_attempt(drive, activation, node, context))
    return False


def _question(activation: Activation, executor: Executor, context: NodeContext) -> Attempt | None:
    """Of a call that was announced, only what became of it is still asked."""
    if executor.asks is None or activation.answer is not None or activation.intent is not None:
        return None
    return asked(activation, executor.asks, context)


def _wants_rows_first(drive: Drive, activation: Activation) -> bool:
    if drive.is_durable:
        return False
    drive.queue.appendleft(activation)
    drive.rows_first = True
    return True


async def _attempt(drive: Drive, activation: Activation, node: NodeProgram, context: NodeContext) -> None:
    def late(usage: Usage) -> None:
        drive.late.append(((activation, 0), usage))

    enter(drive, activation)
    calls = Performing(drive, activation)
    context.perform = calls
    try:
        attempt = await in_its_time(activation, node.executor, context, drive.tools.clock, late)
    except LetGo:
        attempt = None
    if not calls.is_idle:
        await calls.settled()
    if calls.park is not None:
        drive.results.append(Attempt(activation, calls.park))
    elif attempt is None or calls.is_let_go:
        drive.tasks.pop(activation.path, None)
        put_back(drive, activation)
    else:
        drive.results.append(attempt)
    drive.wake.set()


def _context(drive: Drive, activation: Activation, timeout: float | None) -> NodeContext:
    run, feed = drive.run, drive.tools.feed

    def say(text: str) -> None:
        feed.pass_by(Passing(run.id, "text", activation.path, text))

    scope = deciding.scope_of(activation, drive.about)
    if drive.recalls and activation.path in drive.recalled:
        scope[RECALLED] = drive.recalled[activation.path]
    return NodeContext(
        run.tenant,
        run.id,
        activation.path,
        activation.attempt,
        scope,
        drive.now,
        say,
        timeout,
        run.acting,
        activation.answer,
        run.workflow,
        run.thread,
        Progress(feed, run.id, activation.path, drive.tools.clock),
        permissions_of(activation.frame),
        prompts=drive.loaded.prompts,
        capture=capture_in(activation.frame, drive.tools.capture),
        within=called_through(activation.frame),
        instead=drive.instead.get(activation.path, ("",))[-1],
    )


def permissions_of(frame: Frame) -> Grants | None:
    """A workflow may call what its version lets it, and nothing that whoever runs it may not."""
    found = frame.graph.graph.permissions
    while frame.parent is not None:
        frame = frame.parent.frame
        found = both(found, frame.graph.graph.permissions)
    return found
