"""Identical calls are answered once, where the caller says that this will do."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final
from weakref import WeakValueDictionary

from domain.caller import Caller
from domain.model import FinishReason, ModelRequest, ModelResponse, OnText, Shared
from domain.ports.cache import Cache
from domain.usage import Money, Usage
from infrastructure.models.around import Around
from infrastructure.models.documents import digest_of, request_as_json, response_as_json, response_from_json
from infrastructure.models.failures import charging

_WHOLE: Final = frozenset({FinishReason.STOP, FinishReason.TOOL_CALLS})
"""An answer that was cut is not kept."""


@dataclass
class CachedModels(Around):
    """Two identical calls of this process at once are one: the other waits for its answer. Where that fails, it calls itself."""

    cache: Cache
    _asking: "WeakValueDictionary[str, asyncio.Lock]" = field(default_factory=WeakValueDictionary)

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        if request.caching is None or request.caller is None:
            return await self.inner.complete(request, on_text)
        key = self._key(request, request.caller, request.caching.shared)
        async with self._asking.setdefault(key, asyncio.Lock()):
            known = await self.cache.get(key)
            if known is not None:
                return _given_again(known, on_text)
            response = await self.inner.complete(request, on_text)
            if response.finish_reason in _WHOLE and request.caching.keeps(response):
                with charging(response.usage):
                    await self.cache.set(key, json.dumps(response_as_json(response)).encode(), request.caching.seconds)
        return response

    def _key(self, request: ModelRequest, caller: Caller, shared: Shared) -> str:
        """With what the alias stands for today: an alias that is set to another model asks anew."""
        model = self.inner.at_most(request).model
        return "answer:" + digest_of([caller.tenant, shared.value, _among(caller, shared), model, request_as_json(request)])


def _among(caller: Caller, shared: Shared) -> str:
    match shared:
        case Shared.RUN:
            return caller.run
        case Shared.THREAD:
            return caller.thread or caller.run
        case Shared.WORKFLOW:
            return caller.workflow.partition("@")[0]
        case Shared.TENANT:
            return ""


def _given_again(known: bytes, on_text: OnText | None) -> ModelResponse:
    response = response_from_json(json.loads(known))
    if on_text is not None and response.text:
        on_text(response.text)
    currency = "USD" if response.usage.cost is None else response.usage.cost.currency
    return replace(response, usage=Usage(response.usage.model, 0, 0, Money(Decimal(0), currency)), cached=True)
