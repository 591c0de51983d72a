"""One of several calls of a node: reserved before, announced where it may happen only once, made, and kept by a row of its own.

It runs in the node's own task, beside the loop of the drive: what it records the loop makes durable, and it waits for that.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from application.account import Call
from application.attempts import Attempt, known, usage_of
from application.budgeting import tell_refused
from application.budgets.refusing import cheaper_than
from application.budgets.tills import Refusal
from application.drive import Drive
from application.intents import FRESH_SECONDS, LET_GO, LOST, is_unknown, keep_answer, leave_open, lose_sight
from application.letting_go import LetGo, TooLate, outcome_of
from domain.errors import PriceUnknown, WeftError, failure_of
from domain.ids import ActivationPath
from domain.json import Json
from domain.ports.effects import Cheaper, Effect, Make, Performed
from domain.ports.nodes import Finished
from domain.run import events
from domain.run.state import Activation
from domain.sizes import check_value
from domain.tool import Effects
from domain.usage import Usage


@dataclass(slots=True, eq=False)
class EffectCall:
    """`is_unwanted`: by its node, which is over or put down."""

    drive: Drive
    activation: Activation
    number: int
    effect: Effect
    is_unwanted: Callable[[], bool]
    cheaper: Make | None = field(default=None, init=False)
    """Makes it with the model that was put in place of its own."""

    async def prepare(self) -> None:
        """Whatever has to be durable before the call is. Raises `LetGo` where it is not to be made now; nothing is reserved for it then."""
        try:
            await self._prepare()
        except BaseException:
            self.drive.account.let_off(self._call)
            raise

    async def _prepare(self) -> None:
        self._must_go_on()
        if self.effect.effects is Effects.ONCE:
            self._leave_what_was_lost()
        if self.effect.reserve is not None:
            await self._find_room(self.effect.reserve)
        if self.effect.effects is Effects.ONCE:
            await self._announced()
        if self.effect.reserve is not None:
            self.drive.account.reserve(self._call, self.effect.reserve)
            await self.drive.until(self._may_begin)
            self._must_be_wanted()
        if self.effect.effects is Effects.IDEMPOTENT:
            await self._rows_are_kept()

    async def make(self, make: Make) -> Json:
        began = self.drive.tools.clock.monotonic()
        try:
            performed = _checked(await (self.cheaper or make)(self.number))
        except asyncio.CancelledError as error:
            self.drive.late.append((self._call, _taken_off(error)))
            self.drive.wake.set()
            raise
        except Exception as error:
            self._failed(error, self._since(began))
            raise
        return self._finished(performed, self._since(began))

    @property
    def _call(self) -> Call:
        return self.activation, self.number

    @property
    def _is_wanted(self) -> bool:
        return not self.drive.is_lost and self.drive.state.active.get(self.activation.path) is self.activation

    @property
    def _is_announced(self) -> bool:
        intent = self.activation.intent
        return intent is not None and intent.effect == self.number

    @property
    def _is_put_down(self) -> bool:
        """Is the worker to let go of the run, or the run held up? Nothing new begins then."""
        return self.drive.is_stopping or self.drive.is_lost or self.drive.state.is_held or self.is_unwanted()

    def _must_go_on(self) -> None:
        if self._is_put_down:
            raise TooLate if self.is_unwanted() else LetGo

    def _must_be_wanted(self) -> None:
        """A call that was announced may wait for its line longer than its node does."""
        if self.is_unwanted():
            if self._is_announced:
                self._take_back()
            raise TooLate

    async def _find_room(self, usage: Usage) -> None:
        """In every budget that counts it; where one says so, for the same call of a cheaper model. Nothing of that is journaled before the
        call is: when the node is run again, what the call came to is kept, or it is decided anew."""
        refused, tried = await self._refused(usage), list[str]()
        while refused is not None:
            model = None if self.effect.instead is None else cheaper_than(refused, tried)
            if self.effect.instead is None or model is None:
                raise outcome_of(refused)
            tried.append(model)
            refused = await self._take_instead(model, self.effect.instead(model))

    async def _take_instead(self, model: str, cheaper: Cheaper) -> Refusal | PriceUnknown | None:
        self.effect, self.cheaper = replace(self.effect, name=model, reserve=cheaper.reserve), cheaper.make
        return None if cheaper.reserve is None else await self._refused(cheaper.reserve)

    async def _refused(self, usage: Usage) -> Refusal | PriceUnknown | None:
        """None: every budget that counts it has room, which is taken."""
        account, purse = self.drive.account, self.drive.tools.purse
        hold = None if purse is None else purse.hold(self.drive.caller(self._call), usage)
        if hold is None:
            return None
        account.grant(self._call, hold)
        refused = await asyncio.shield(hold.decided)
        self._must_go_on()
        tell_refused(self.drive, self.activation, refused)
        if refused is not None:
            account.let_off(self._call)
        return refused

    def _leave_what_was_lost(self) -> None:
        if self.activation.intent is not None and self._is_announced:
            leave_open(self.drive, self.activation, self.activation.intent, LOST)
            raise LetGo

    async def _announced(self) -> None:
        """By a row that is durable and fresh: one that took long to become so may be of a worker that has lost the run."""
        drive, clock = self.drive, self.drive.tools.clock
        at = clock.monotonic() - 2 * FRESH_SECONDS
        while clock.monotonic() - at > FRESH_SECONDS:
            await drive.until(lambda: self._is_put_down or not drive.has_more)  # what came in may be that it is not wanted any more
            self._must_go_on()
            at = clock.monotonic()
            self._intend()
            await self._rows_are_kept()
        if self._is_put_down:
            self._take_back()
            self._must_go_on()

    def _take_back(self) -> None:
        self.drive.record(events.EffectResolved(self.activation.path, self.number, events.NOT_MADE, "weft", None, LET_GO))

    def _intend(self) -> None:
        path, effect = self.activation.path, self.effect
        key = f"{self.drive.run.id}{path}/{self.number}" if effect.key is None else effect.key(self.number)
        self.drive.record(events.EffectIntended(path, self.number, key, effect.name, effect.arguments, effect.digest))

    def _may_begin(self) -> bool:
        if self.drive.account.may_begin(self._call):
            return True
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

    def _finished(self, performed: Performed, seconds: float) -> Json:
        """Of a call that nobody wants any more only what it used is left."""
        if self._is_announced:
            keep_answer(self.drive, Attempt(self.activation, Finished(performed.output)))
        if not self._is_wanted:
            self.drive.late.append((self._call, performed.usage))
            raise LetGo
        self._record(events.EffectFinished(*self._about, performed.output, None, performed.usage, seconds))
        return performed.output

    def _failed(self, error: Exception, seconds: float) -> None:
        """What it used is taken off the error: the node's own call is another one."""
        told, usage = known(error, self.activation), _taken_off(error)
        attempt = Attempt(self.activation, told)
        if self._is_announced and is_unknown(attempt):
            self.drive.late.append((self._call, usage or self.effect.reserve))
            if self._is_wanted:
                lose_sight(self.drive, attempt)
            raise LetGo
        if self._is_announced:
            keep_answer(self.drive, attempt)
        if not self._is_wanted:
            self.drive.late.append((self._call, usage))
            return
        failure = failure_of(told, self.activation.node, self.activation.attempt)
        self._record(events.EffectFinished(*self._about, None, failure, usage, seconds))

    @property
    def _about(self) -> tuple[ActivationPath, int, str, str, str]:
        return self.activation.path, self.number, self.effect.kind, self.effect.name, self.effect.digest

    def _record(self, event: events.EffectFinished) -> None:
        """With what the call used; the next one that waits, or the node's own row, takes both along."""
        self.drive.record(event)
        if event.usage is None:
            self.drive.account.let_off(self._call)
        else:
            self.drive.bill(self._call, event.usage, self.activation.attempt)
        self.drive.wake.set()

    def _since(self, began: float) -> float:
        return self.drive.tools.clock.monotonic() - began


def _checked(performed: Performed) -> Performed:
    """What the world did is done, also when its answer is too large to be kept."""
    try:
        check_value(performed.output, "/effect")
    except WeftError as error:
        error.__dict__.update(usage=performed.usage, is_answer=True)
        raise
    return performed


def _taken_off(error: BaseException) -> Usage | None:
    usage = usage_of(error)
    error.__dict__.pop("usage", None)
    return usage
