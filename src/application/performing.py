"""The calls that a node makes one by one: reserved before, announced where they may happen only once, made, and each kept by a row.

They run in the node's own task, beside the loop of the drive: what they record the loop makes durable, and they wait for that.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Final

from application.account import Call
from application.attempts import Attempt, known, usage_of
from application.drive import Drive
from application.intents import FRESH_SECONDS, LET_GO, LOST, DecidedFailed, is_unknown, keep_answer, leave_open, lose_sight
from domain.errors import Nondeterministic, WeftError, failure_of
from domain.json import Json
from domain.ports.nodes import Effect, Finished, Make, Performed
from domain.run import events
from domain.run.state import Activation, Kept
from domain.sizes import check_value
from domain.tool import Effects

NO_PLACE: Final = "/effect"


class LetGo(BaseException):
    """The node is put down here, and taken up again later; what it did so far is kept."""


@dataclass(slots=True, eq=False)
class Performing:
    """`domain.ports.nodes.Perform` for one attempt. `is_let_go`: the node is to be run again, whatever it makes of being stopped."""

    drive: Drive
    activation: Activation
    is_let_go: bool = False
    _number: int = 0
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)
    _making: set["asyncio.Task[object]"] = field(default_factory=set)

    def __call__(self, effect: Effect, make: Make) -> Awaitable[Json]:
        self._number += 1
        return self._performed(self._number, effect, make)

    @property
    def is_idle(self) -> bool:
        return not self._making

    async def settled(self) -> None:
        """The node is over, and calls that it began side by side may not be: their answers are kept too."""
        making = [task for task in self._making if task is not asyncio.current_task()]
        try:
            if making:
                await asyncio.wait(making)
        except asyncio.CancelledError:
            for task in making:
                task.cancel()
            raise

    async def _performed(self, number: int, effect: Effect, make: Make) -> Json:
        kept = self.activation.effects.get(number)
        if kept is not None:
            return _again(number, effect, kept)
        if effect.effects is not Effects.ONCE:
            return await self._made(number, effect, make)
        async with self._alone:
            await self._announced(number, effect)
            return await self._made(number, effect, make)

    async def _made(self, number: int, effect: Effect, make: Make) -> Json:
        call = (self.activation, number)
        await self._reserved(call, effect)
        task = asyncio.current_task()
        assert task is not None, "nodes run in tasks"
        self._making.add(task)
        began = self.drive.tools.clock.monotonic()
        try:
            performed = _checked(await make(number))
        except asyncio.CancelledError as error:
            self._cut_off(call, error)
            raise
        except Exception as error:
            self._failed(number, effect, error, self._since(began))
            raise
        finally:
            self._making.discard(task)
        return self._finished(number, effect, performed, self._since(began))

    async def _announced(self, number: int, effect: Effect) -> None:
        """By a row that is durable and fresh: one that took long to become so may be of a worker that has lost the run."""
        drive, clock = self.drive, self.drive.tools.clock
        intent = self.activation.intent
        if intent is not None and intent.effect == number:
            leave_open(drive, self.activation, intent, LOST)
            self._let_go()
        while True:
            await drive.until(lambda: self._is_put_down or not drive.has_more)
            self._must_go_on()
            key, at = f"{drive.run.id}{self.activation.path}/{number}", clock.monotonic()
            drive.record(events.EffectIntended(self.activation.path, number, key, effect.name, effect.arguments, effect.digest))
            await self._rows_are_kept()
            if clock.monotonic() - at <= FRESH_SECONDS:
                break
        if self._is_put_down:
            drive.record(events.EffectResolved(self.activation.path, number, events.NOT_MADE, "weft", None, LET_GO))
            self._let_go()

    async def _reserved(self, call: Call, effect: Effect) -> None:
        """A call that is charged for waits for its line, one that touches the world for all rows before it."""
        self._must_go_on()
        account = self.drive.account
        if effect.reserve is not None:
            account.reserve(call, effect.reserve)
            await self.drive.until(lambda: account.may_begin(call) or self._wants_lines())
        if effect.effects is Effects.IDEMPOTENT:
            await self._rows_are_kept()

    def _wants_lines(self) -> bool:
        self.drive.lines_first = True
        return False

    async def _rows_are_kept(self) -> None:
        wanted = self.drive.position

        def are_kept() -> bool:
            if self.drive.durable >= wanted:
                return True
            self.drive.rows_first = True
            return False

        await self.drive.until(are_kept)

    @property
    def _is_put_down(self) -> bool:
        """Is the worker to let go of the run, or the run held up? Nothing new begins then."""
        drive = self.drive
        return drive.is_stopping or drive.is_lost or drive.state.is_held

    def _must_go_on(self) -> None:
        if self._is_put_down or self.is_let_go:
            self._let_go()

    def _let_go(self) -> None:
        self.is_let_go = True
        raise LetGo

    def _since(self, began: float) -> float:
        return self.drive.tools.clock.monotonic() - began

    def _finished(self, number: int, effect: Effect, performed: Performed, seconds: float) -> Json:
        """Of a call that nobody wants any more only what it used is left."""
        drive, activation = self.drive, self.activation
        if self._is_ours(number):
            keep_answer(drive, Attempt(activation, Finished(performed.output)))
        if drive.is_lost or drive.state.active.get(activation.path) is not activation:
            drive.late.append(((activation, number), performed.usage))
            self._let_go()
        about = (activation.path, number, effect.kind, effect.name, effect.digest)
        drive.record(events.EffectFinished(*about, performed.output, None, performed.usage, seconds))
        self._account((activation, number), performed)
        drive.wake.set()
        return performed.output

    def _account(self, call: Call, performed: Performed) -> None:
        if performed.usage is None:
            self.drive.account.let_off(call)
        else:
            self.drive.bill(call, performed.usage, call[0].attempt)

    def _failed(self, number: int, effect: Effect, error: Exception, seconds: float) -> None:
        """What it used is taken off the error: the node's own call is another one."""
        drive, activation = self.drive, self.activation
        told, usage = known(error, activation), usage_of(error)
        error.__dict__.pop("usage", None)
        attempt = Attempt(activation, told)
        if self._is_ours(number) and is_unknown(attempt):
            drive.late.append(((activation, number), usage))
            if drive.state.active.get(activation.path) is activation:
                lose_sight(drive, attempt)
            self._let_go()
        if self._is_ours(number):
            keep_answer(drive, attempt)
        if drive.is_lost or drive.state.active.get(activation.path) is not activation:
            drive.late.append(((activation, number), usage))
            return
        about = (activation.path, number, effect.kind, effect.name, effect.digest)
        failure = failure_of(told, activation.node, activation.attempt)
        drive.record(events.EffectFinished(*about, None, failure, usage, seconds))
        self._account((activation, number), Performed(None, usage))

    def _is_ours(self, number: int) -> bool:
        """Was the call announced?"""
        intent = self.activation.intent
        return intent is not None and intent.effect == number

    def _cut_off(self, call: Call, error: asyncio.CancelledError) -> None:
        self.drive.late.append((call, usage_of(error)))
        error.__dict__.pop("usage", None)
        self.drive.wake.set()


def _checked(performed: Performed) -> Performed:
    """What the world did is done, also when its answer is too large to be kept."""
    try:
        check_value(performed.output, NO_PLACE)
    except WeftError as error:
        error.__dict__.update(usage=performed.usage, is_answer=True)
        raise
    return performed


def _again(number: int, effect: Effect, kept: Kept) -> Json:
    if kept.digest != effect.digest:
        raise Nondeterministic(f"call {number} is of {effect.name} now, with something else than the journal has: the node is not the same")
    if kept.failure is not None:
        raise DecidedFailed(kept.failure.message, kept.failure.code)
    return effect.told(kept.output) if kept.is_decided else kept.output


def put_back(drive: Drive, activation: Activation) -> None:
    """It is run again from its start when the run goes on, unless it waits for somebody."""
    if drive.state.active.get(activation.path) is activation and not activation.is_parked and activation not in drive.queue:
        drive.queue.append(activation)
