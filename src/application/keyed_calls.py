"""Calls by hand of tools that must not be called twice, under an idempotency key: made once, and answered again for a day."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import structlog

from application.once import Once
from application.views import ToolResultView
from domain.access import Principal
from domain.errors import Failure, InfrastructureError
from domain.ids import NewId
from domain.tool import ToolExecutionResult

MOST_KEPT: Final = 256 * 1024
"""Characters of a result. Of a longer one it is kept that there was one."""
MOST_ATTEMPTS: Final = 20
"""Under one key, while each did nothing."""
UNKNOWN: Final = Failure(
    "unknown_outcome",
    "a call with this key was begun, and nobody knows what came of it: it is still under way, or was lost. It is not made again; "
    "look whether it was done before you call with another key",
)
Call: TypeAlias = Callable[[], Awaitable[ToolExecutionResult]]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CallOnce:
    """Two marks for each call: one says that it was begun, and has its name; the other, of that name, how it ended."""

    once: Once
    new_id: NewId

    async def __call__(self, who: Principal, key: str, digest: str, call: Call) -> ToolResultView:
        """What came of the call, now or when the key came first; `unknown_outcome` when nobody knows. It is made again only when it is
        known that the time before nothing was done. `key`: the caller's own, without spaces; with another digest `IdempotencyConflict`."""
        mark = f"{key} of {who.name}"
        attempt = 1
        while (ours := self.new_id()) != (begun := await self.once.named(who, mark, digest, ours)):
            told = await self.once.known(who, _ending(begun), digest)
            if told is None:
                return ToolResultView.of(ToolExecutionResult(error=UNKNOWN, unknown=True))
            kept = json.loads(told)
            if kept["is_done"] or attempt == MOST_ATTEMPTS:
                return ToolResultView.model_validate(kept["result"])
            mark, attempt = f"after {begun}", attempt + 1
        return await self._made(who, ours, digest, call)

    async def _made(self, who: Principal, name: str, digest: str, call: Call) -> ToolResultView:
        result = await call()
        try:
            await self.once.named(who, _ending(name), digest, _kept(result))
        except InfrastructureError as error:  # whoever asked is told all the same; asked again it is unknown
            log.error("the result of a call under a key could not be kept", reason=error.message)
        return ToolResultView.of(result)


def _ending(name: str) -> str:
    return f"ending {name}"


def _kept(result: ToolExecutionResult) -> str:
    is_done = result.success or result.unknown
    told = json.dumps({"is_done": is_done, "result": ToolResultView.of(result).model_dump(mode="json")})
    if len(told) <= MOST_KEPT:
        return told
    sentence = f"the tool was called under this key and has answered; its answer is longer than {MOST_KEPT:,} characters and was not kept"
    short = ToolExecutionResult(None, Failure("result_not_kept", sentence), result.execution_time, result.token_usage, cost=result.cost)
    return json.dumps({"is_done": is_done, "result": ToolResultView.of(short).model_dump(mode="json")})
