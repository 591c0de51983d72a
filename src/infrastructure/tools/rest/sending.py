"""Sending a request, again where it may be sent again: later each time, never before the server says, and never to make an outage worse."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Final

from domain.errors import ToolError
from domain.ports.clock import Clock
from domain.ports.tools import ToolContext
from infrastructure.outgoing.addresses import Refused
from infrastructure.outgoing.messages import Answer, Ask, Asks, NotAnswered
from infrastructure.tools.rest.answers import failure_of, must_be_good
from infrastructure.tools.rest.concealing import concealed
from infrastructure.tools.rest.hosts import Host, Hosts
from infrastructure.tools.rest.spec import Spec

FIRST_WAIT: Final = 0.5
LONGEST_WAIT: Final = 10.0


@dataclass(slots=True)
class Time:
    """What is left of a call. `waited`: between attempts, all together."""

    clock: Clock
    until: float | None
    waited: float = 0.0

    @classmethod
    def of(cls, context: ToolContext, clock: Clock) -> "Time":
        seconds = context.deadline_seconds
        return cls(clock, None if seconds is None else clock.monotonic() + seconds)

    def left(self, most: float) -> float:
        """A little before the call itself ends: a request knows better whether it was sent."""
        if self.until is None:
            return most
        left = self.until - self.clock.monotonic()
        return max(0.001, min(most, left - min(1.0, left * 0.05)))

    def has(self, seconds: float) -> bool:
        return self.until is None or seconds < self.until - self.clock.monotonic()

    async def wait(self, seconds: float) -> None:
        self.waited += seconds
        await self.clock.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Sending:
    """`jitter`: a number from 0 to 1, another one each time."""

    door: Asks
    hosts: Hosts
    clock: Clock
    jitter: Callable[[], float]

    async def send(self, spec: Spec, ask: Ask, sent: Collection[str], context: ToolContext, time: Time) -> Answer:
        """A good answer, without what of `sent` it repeats. `ToolError` has the last failure; `unknown` when one of the attempts may have
        done what it does."""
        host = self.hosts.of(context.tenant, spec.url.origin)
        host.budget.count()
        is_unknown = False
        for attempt in range(1, spec.config.retries.attempts + 1):
            try:
                return await host.breaker.call(lambda: self._attempt(spec, ask, sent, time))
            except ToolError as error:
                is_unknown = error.unknown = error.unknown or is_unknown
                wait = self._wait(error, attempt)
                if not self._may_try_again(spec, error, attempt, wait, time, host):
                    raise
                context.tell(f"trying again in {wait:.1f} s: {error.message}")
            await time.wait(wait)
        raise AssertionError("the last attempt raises")

    async def _attempt(self, spec: Spec, ask: Ask, sent: Collection[str], time: Time) -> Answer:
        try:
            answer = await self.door.ask(replace(ask, seconds=time.left(ask.seconds)))
        except (Refused, NotAnswered) as error:
            raise failure_of(spec, error) from None
        return must_be_good(spec, concealed(answer, sent), self.clock.now())

    def _wait(self, error: ToolError, attempt: int) -> float:
        """Anything up to twice as long as before, so that many do not come again together."""
        backoff = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (attempt - 1)) * self.jitter()
        return backoff if error.retry_after is None else error.retry_after + backoff / 10

    def _may_try_again(self, spec: Spec, error: ToolError, attempt: int, wait: float, time: Time, host: Host) -> bool:
        return (
            spec.may_repeat
            and error.retryable
            and error.code != "circuit_open"
            and attempt < spec.config.retries.attempts
            and time.waited + wait <= spec.config.retries.max_seconds
            and time.has(wait)
            and host.budget.spend()
        )
