"""The calls that a node makes one by one, each kept in the journal by itself: numbered, given again when the node is run again, put down
between two of them when the run is to be let go of."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field

from application.drive import Drive
from application.effect_calls import EffectCall
from application.intents import DecidedFailed
from application.letting_go import LetGo, Parked, TooLate
from domain.errors import Nondeterministic
from domain.json import Json
from domain.ports.effects import Effect, Make
from domain.ports.nodes import Park
from domain.run.state import Activation, Kept
from domain.tool import Effects


@dataclass(slots=True, eq=False)
class Performing:
    """`domain.ports.effects.Perform` for one attempt. `is_let_go`: the node is to be run again, whatever it makes of being stopped."""

    drive: Drive
    activation: Activation
    is_let_go: bool = False
    park: Park | None = None
    """It is to be run again when a budget has room."""
    _number: int = 0
    _is_over: bool = False
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)
    _making: set["asyncio.Task[object]"] = field(default_factory=set)

    def __call__(self, effect: Effect, make: Make) -> Awaitable[Json]:
        self._number += 1
        return self._performed(self._number, effect, make)

    @property
    def _is_unwanted(self) -> bool:
        return self.is_let_go or self._is_over

    @property
    def is_idle(self) -> bool:
        return not self._making

    async def settled(self) -> None:
        """The node is over, and calls that it began side by side may not be: their answers are kept too. Those that have not
        begun are not made."""
        self._is_over = True
        try:
            await asyncio.wait(self._making)
        except asyncio.CancelledError:
            for task in self._making:
                task.cancel()
            raise

    async def _performed(self, number: int, effect: Effect, make: Make) -> Json:
        kept = self.activation.effects.get(number)
        if kept is not None:
            return _again(number, effect, kept)
        call = EffectCall(self.drive, self.activation, number, effect, lambda: self._is_unwanted)
        try:
            if effect.effects is not Effects.ONCE:
                return await self._made(call, make)
            async with self._alone:
                return await self._made(call, make)
        except LetGo as put_down:
            self.is_let_go = self.is_let_go or not isinstance(put_down, TooLate)
            if isinstance(put_down, Parked):
                self.park = put_down.park
            raise

    async def _made(self, call: EffectCall, make: Make) -> Json:
        if self._is_unwanted:
            raise TooLate
        task = asyncio.current_task()
        assert task is not None, "nodes run in tasks"
        self._making.add(task)
        try:
            await call.prepare()
            return await call.make(make)
        finally:
            self._making.discard(task)


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
