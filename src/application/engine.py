"""Plan, execute, append, apply: drives one claimed run until it is final, parked, handed back or taken away.

The planner's part happens inside the fold (`domain.run.fold`): every recorded row leaves behind what became ready, ended or is to be stopped.
This file turns those into executions and further rows. No polling, no superstep: a node starts the moment its inputs are settled.
"""

import asyncio
from dataclasses import dataclass, replace

import structlog

from application import deciding
from application.attempts import Attempt, at_once, in_its_time
from application.drive import Drive, EngineTools
from application.ending import end_if_over, finish_run, park_if_idle
from application.loading import Loader
from application.programs import NodeProgram, Program
from domain.errors import LimitReached, NodeExecutionError, WeftError, failure_of
from domain.ids import Position
from domain.ports.feed import Passing
from domain.ports.journal import Append
from domain.ports.nodes import EndFrame, Finished, NodeContext, OpenFrames, Park
from domain.ports.queue import Claim
from domain.run import events
from domain.run.run import Durability, RunStatus
from domain.run.state import Activation, Frame
from domain.usage import Usage

log = structlog.get_logger("application.engine")
SHORT_SECONDS = 5.0
"""Sleeps and backoffs below this do not park."""
BATCH = 200
"""Activations that only compute are run in a row at most so often before rows are written and others get a turn."""
TURNS = 64
"""A run whose rows need no waiting gives others a turn after so many of its own."""
MOST_UNKEPT = 5_000
"""With durability `exit`: rows that may be lost at most before some are written early."""
WOKEN: dict[str, str | None] = {"woke_by": "timer", "payload": None}


@dataclass(frozen=True, slots=True)
class Engine:
    tools: EngineTools
    load: Loader

    async def open(self, claim: Claim) -> Drive:
        """Load a claimed run; a fresh one gets its first row. Raises what loading raises."""
        loaded = await self.load(claim)
        first = None
        if loaded.state is None:
            first = self.load.first_row(loaded)
            loaded.position = Position(loaded.position + 1)
            loaded.start(first, loaded.position)
        assert loaded.state is not None
        durable = Position(loaded.position - (first is not None))
        drive = Drive(self.tools, claim.lease, loaded, loaded.state, claim.run, loaded.position, durable)
        if first is not None:
            drive.outbox.append(first)
        return drive

    async def drive(self, drive: Drive) -> None:
        """Returns when the run has left this worker. Raises `Fenced` when it was taken away; everything it ran is stopped either way."""
        deadline = self._deadline(drive)
        turns = 0
        try:
            while not drive.is_lost:
                self._derive(drive)
                if drive.state.status is not None:
                    return await finish_run(drive)
                await self._keep(drive)
                if not await self._start(drive) and not drive.has_more:
                    if await park_if_idle(drive, SHORT_SECONDS):
                        return None
                    await drive.wake.wait()
                drive.wake.clear()
                turns += 1
                if turns % TURNS == 0:
                    await asyncio.sleep(0)
        finally:
            deadline.cancel()
            self._abandon(drive)

    async def _keep(self, drive: Drive) -> None:
        """Make rows durable as the run's durability asks: at once, while the next nodes run, or only at its end."""
        if not drive.outbox:
            return
        match drive.run.durability:
            case Durability.SYNC:
                await drive.append()
            case Durability.ASYNC:
                drive.append_meanwhile()
            case Durability.EXIT:
                if len(drive.outbox) >= MOST_UNKEPT:
                    await drive.append()

    def _deadline(self, drive: Drive) -> asyncio.TimerHandle:
        limit = drive.state.limits.seconds
        left = drive.state.started.at + limit - self.tools.clock.now().timestamp()
        failure = failure_of(LimitReached(f"the run took longer than limits.seconds, which is {limit:g}", "seconds"))
        return asyncio.get_running_loop().call_later(max(left, 0.0), lambda: drive.end_failed(failure))

    async def refuse(self, claim: Claim, error: WeftError) -> None:
        """End a run that cannot be loaded: its version is gone, or its rows are of a newer Weft."""
        failure = failure_of(error)
        run = replace(claim.run, status=RunStatus.FAILED, failure=failure, ended_at=self.tools.clock.now())
        ending = [events.RunEnded(RunStatus.FAILED.value, None, failure)]
        rows = await self.tools.journal.append(Append(claim.lease, claim.position, ending, run, release_at=self._now()))
        self.tools.feed.publish(rows)
        self.tools.meter.run_ended(run, 0.0)
        log.error("run refused", run=run.id, thread=run.thread, workflow=run.workflow, code=failure.code, reason=failure.message)

    def _abandon(self, drive: Drive) -> None:
        for timer in drive.timers.values():
            timer.cancel()
        for task in drive.tasks.values():
            task.cancel()

    # What recorded rows brought about becomes further rows, until nothing is left to derive.

    def _derive(self, drive: Drive) -> None:
        state = drive.state
        self._take_wishes(drive)
        while drive.results:
            self._settle(drive, drive.results.popleft())
        while drive.late:
            self._count_late(drive, *drive.late.popleft())
        while True:
            while state.withdrawn:
                drive.stop_task(state.withdrawn.pop())
            if end_if_over(drive):
                return
            if state.to_begin:
                self._begin(drive, state.to_begin.pop(0))
            elif state.gathered:
                self._gather(drive, state.gathered.pop(0))
            elif state.ended:
                self._end_frame(drive, state.ended.pop(0))
            else:
                break
        drive.queue.extend(state.ready)
        state.ready.clear()

    def _take_wishes(self, drive: Drive) -> None:
        while drive.wishes:
            wish = drive.wishes.popleft()
            drive.taken.append(wish.number)
            if wish.kind == "cancel" and not drive.state.is_cancelling and drive.ending is None:
                drive.record(events.CancelRequested(str(wish.body.get("by", "")), str(wish.body.get("reason", ""))))
                drive.ending = events.RunEnded(RunStatus.CANCELLED.value)

    def _begin(self, drive: Drive, frame: Frame) -> None:
        if frame.path not in drive.state.frames:
            return
        try:
            drive.record(deciding.begun(frame, drive.program(frame), drive.about))
        except WeftError as error:
            self._fail_frame(drive, frame, error)

    def _end_frame(self, drive: Drive, frame: Frame) -> None:
        """The row that a child frame ends with; the root's is the run's (see `application.ending`)."""
        if frame.parent is None or drive.state.frames.get(frame.path) is not frame:
            return
        if frame.failure is not None:
            drive.record(events.FrameEnded(frame.path, None, frame.failure))
            return
        try:
            output = frame.output if frame.has_output else deciding.output_of(frame, drive.program(frame), drive.about)
        except WeftError as error:
            self._fail_frame(drive, frame, error)
        else:
            drive.record(events.FrameEnded(frame.path, output))

    def _fail_frame(self, drive: Drive, frame: Frame, error: WeftError) -> None:
        if frame.parent is None:
            drive.end_failed(failure_of(error))
        else:
            drive.record(events.FrameEnded(frame.path, None, failure_of(error)))

    def _gather(self, drive: Drive, parent: Activation) -> None:
        """All child frames that were wanted are done: the node that opened them finishes, or fails with the first failure."""
        if drive.state.active.get(parent.path) is not parent or parent.children is None:
            return
        children = parent.children
        if children.failure is not None:
            message = f"a frame of {parent.node} failed at {children.failure.node or 'its end'}: {children.failure.message}"
            error = NodeExecutionError(message, children.failure.code, retryable=children.failure.retryable)
            self._settle(drive, Attempt(parent, error))
            return
        outputs = children.outputs()
        self._settle(drive, Attempt(parent, Finished(outputs if children.opened.is_map else outputs[0])))

    def _settle(self, drive: Drive, attempt: Attempt) -> None:
        """Turn what came of an attempt into a row. An attempt at something no longer wanted only leaves its usage."""
        activation, number = attempt.activation, attempt.activation.attempt
        drive.tasks.pop(activation.path, None)
        used = attempt.outcome.usage if isinstance(attempt.outcome, Finished) else attempt.usage
        if drive.state.active.get(activation.path) is not activation:
            if used is not None:
                self._count_late(drive, activation, used)
            return
        if not isinstance(attempt.outcome, WeftError):
            try:
                self._interpret(drive, attempt)
            except WeftError as error:
                self._fail(drive, activation, error, used)
        else:
            self._fail(drive, activation, attempt.outcome, used)
        if used is not None:
            drive.bill(activation, used, number)
        kind = activation.frame.graph.nodes[activation.index].kind
        self.tools.meter.node_ended(kind, attempt.seconds, failed=isinstance(attempt.outcome, WeftError))

    def _interpret(self, drive: Drive, attempt: Attempt) -> None:
        activation, outcome = attempt.activation, attempt.outcome
        program = drive.program(activation.frame)
        match outcome:
            case Finished():
                scope = deciding.scope_of(drive.state, activation, drive.about)
                drive.record(deciding.finished(activation, program, scope, outcome.output, outcome.usage, attempt.seconds))
            case OpenFrames():
                drive.record(deciding.opened(drive.state, activation, program, outcome, self._child(drive, activation, program, outcome)))
            case Park():
                if outcome.until - self.tools.clock.now().timestamp() >= SHORT_SECONDS:
                    drive.record(events.NodeParked(activation.path, outcome.waiting_for, outcome.until))
                self._sleep(drive, activation, outcome.until)
            case EndFrame():
                drive.record(deciding.terminated(activation, outcome))
            case _:
                raise NodeExecutionError(f"{activation.node} returned {type(outcome).__name__}, not Finished, OpenFrames, Park or EndFrame")

    def _child(self, drive: Drive, activation: Activation, program: Program, outcome: OpenFrames) -> Program:
        if not outcome.workflow:
            return program.inner[activation.index]
        content = program.hash if outcome.workflow == "self" else drive.loaded.versions.get(outcome.workflow)
        if content is None or content not in drive.loaded.by_hash:
            raise NodeExecutionError(f"{activation.node} names workflow {outcome.workflow}, which was not there when the run started", "workflow_not_found")
        return drive.loaded.by_hash[content]

    def _fail(self, drive: Drive, activation: Activation, error: WeftError, used: Usage | None) -> None:
        now = self.tools.clock.now().timestamp()
        drive.record(deciding.failed(activation, error, used, self.tools.retries, now))

    def _count_late(self, drive: Drive, activation: Activation, used: Usage) -> None:
        drive.record(events.UsageCounted(activation.path, used))
        drive.bill(activation, used, activation.attempt)

    # Executing what is ready.

    async def _start(self, drive: Drive) -> bool:
        """Start what there is room for; True when something was run to its end in place."""
        if drive.is_stopping or drive.ending is not None:
            return False
        ran = 0
        room = drive.state.limits.concurrency
        for _ in range(len(drive.queue)):
            if drive.is_sequential and (drive.tasks or drive.timers or ran):
                break
            if ran >= BATCH or len(drive.tasks) >= room:
                break
            activation = drive.queue.popleft()
            if drive.state.active.get(activation.path) is activation:
                ran += await self._start_one(drive, activation)
        return ran > 0

    async def _start_one(self, drive: Drive, activation: Activation) -> bool:
        due = activation.parked_until if activation.parked_for else activation.retry_at
        if due is not None:
            self._sleep(drive, activation, due)
            return False
        node = drive.program(activation.frame).nodes[activation.index]
        context = self._context(drive, activation, node.node.timeout_seconds)
        if drive.tools.feed.wanted(drive.run.id):
            drive.tools.feed.pass_by(Passing(drive.run.id, "started", activation.path))
        if not node.executor.waits:
            self._settle(drive, at_once(activation, node.executor, context, self.tools.clock))
            return True
        if node.executor.effects and drive.outbox:
            await drive.append()
        drive.tasks[activation.path] = asyncio.create_task(self._attempt(drive, activation, node, context))
        return False

    async def _attempt(self, drive: Drive, activation: Activation, node: NodeProgram, context: NodeContext) -> None:
        def late(usage: Usage) -> None:
            drive.late.append((activation, usage))

        drive.results.append(await in_its_time(activation, node.executor, context, self.tools.clock, late))
        drive.wake.set()

    def _context(self, drive: Drive, activation: Activation, timeout: float | None) -> NodeContext:
        run, feed = drive.run, self.tools.feed

        def say(text: str) -> None:
            feed.pass_by(Passing(run.id, "text", activation.path, text))

        scope = deciding.scope_of(drive.state, activation, drive.about)
        return NodeContext(run.tenant, run.id, activation.path, activation.attempt, scope, self._now, say, timeout)

    def _now(self) -> float:
        return self.tools.clock.now().timestamp()

    def _sleep(self, drive: Drive, activation: Activation, until: float) -> None:
        def due() -> None:
            drive.timers.pop(activation.path, None)
            self._woken(drive, activation)
            drive.wake.set()

        drive.timers[activation.path] = asyncio.get_running_loop().call_later(max(until - self._now(), 0.0), due)

    def _woken(self, drive: Drive, activation: Activation) -> None:
        """A wait is over, or a backoff: the first finishes the node with the state as it is now, the second tries again."""
        if activation.retry_at is not None and activation.parked_for is None:
            activation.retry_at = None
            drive.queue.append(activation)
            return
        activation.state, activation.read_at = activation.frame.state, drive.position
        drive.results.append(Attempt(activation, Finished(dict(WOKEN))))

