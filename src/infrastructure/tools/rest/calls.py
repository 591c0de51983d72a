"""`RestTools`: makes tools of their configs, and calls them."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from domain.errors import Problem, ToolError
from domain.json import Json, JsonObject
from domain.ports.clock import Clock
from domain.ports.secrets import Secrets
from domain.ports.tools import ToolContext
from domain.tool import Tool
from infrastructure.outgoing.addresses import Addresses
from infrastructure.outgoing.messages import Answer, Asks
from infrastructure.tools.rest.answers import body_of, output_of
from infrastructure.tools.rest.hosts import Hosts
from infrastructure.tools.rest.pages import Pages
from infrastructure.tools.rest.reading import read_config
from infrastructure.tools.rest.requests import NOTHING, Beside, request
from infrastructure.tools.rest.sending import Sending, Time
from infrastructure.tools.rest.spec import Spec
from infrastructure.tools.rest.templates import Given
from infrastructure.tools.rest.tokens import SECONDS, Tokens
from infrastructure.tools.runnable import Run


class RestTools:
    """`infrastructure.tools.described.Maker` of the type `rest`; one for a process, so that it remembers who fails."""

    def __init__(
        self, door: Asks, addresses: Addresses, secrets: Secrets, clock: Clock, jitter: Callable[[], float] = random.random
    ) -> None:
        self._addresses, self._secrets, self._clock = addresses, secrets, clock
        self._sending = Sending(door, Hosts(clock), clock, jitter)
        self._tokens = Tokens(door, secrets, clock)

    def make(self, config: JsonObject, tool: Tool) -> tuple[Run | None, Sequence[Problem]]:
        spec, problems = read_config(config, tool, self._addresses)
        call = None if spec is None else _Call(spec, self._sending, self._tokens, self._secrets, self._clock)
        return call, problems


@dataclass(frozen=True, slots=True)
class _Call:
    spec: Spec
    sending: Sending
    tokens: Tokens
    secrets: Secrets
    clock: Clock

    async def __call__(self, arguments: dict[str, Json], context: ToolContext) -> Json:
        time = Time.of(context, self.clock)
        origin = self.spec.url.place.origin
        secrets = {name: await self.secrets.get(name, context.tenant, origin) for name in sorted(self.spec.secrets())}
        asking = _Asking(self, Given(arguments, secrets), context, time)
        return await (asking.answered() if self.spec.config.pagination is None else asking.listed())


@dataclass(frozen=True, slots=True)
class _Asking:
    """One call under way."""

    call: _Call
    given: Given
    context: ToolContext
    time: Time

    async def answered(self) -> Json:
        return output_of(self.call.spec, await self._answer(NOTHING))

    async def listed(self) -> Json:
        spec = self.call.spec
        assert spec.config.pagination is not None
        pages = Pages(spec.config.pagination, spec.url.place.origin, spec.tool.limits.output_bytes)
        beside: Beside | None = pages.first()
        while beside is not None:
            answer = await self._answer(beside)
            beside = await pages.take(answer, body_of(spec, answer))
            self.context.tell(f"page {pages.pages}: {len(pages.items)} items")
        return pages.output()

    async def _answer(self, beside: Beside) -> Answer:
        spec, oauth2 = self.call.spec, self.call.spec.oauth2
        # Whatever is wrong with the arguments is said before anybody is asked for a token.
        ask = request(spec, self.given, self.context, beside)
        token = ""
        if oauth2 is not None:
            token = await self.call.tokens.token(oauth2, spec.url.place.origin, self.context, self.time.left(SECONDS))
            ask = request(spec, self.given, self.context, replace(beside, token=token))
        sent = {*self.given.secrets.values(), *(one.text(self.given) for one in spec.credentials), token}
        try:
            return await self.call.sending.send(spec, ask, sent, self.context, self.time)
        except ToolError as error:
            if oauth2 is not None and error.code == "http_401":
                self.call.tokens.forget(oauth2, self.context.tenant)
                error.retryable = True
            raise
