"""All models of a service behind one port: aliases first, then whoever answers for what stands before the slash."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points

from domain.errors import FactoryError, ModelError, ModelNotFound
from domain.model import ModelCard, ModelRequest, ModelResponse, OnText
from domain.usage import Usage
from infrastructure.breaker import BreakerPolicy, Breakers
from infrastructure.clock import SystemClock
from infrastructure.models.adapter import ModelAdapter
from infrastructure.models.breaker import provider_breakers
from infrastructure.models.discretion import Discretion
from infrastructure.models.litellm import ProviderModels
from infrastructure.models.prices import BundledPrices, Counted, Price
from infrastructure.models.scripted import PREFIX, PRICE, ScriptedModels
from infrastructure.models.settings import ModelSettings
from infrastructure.models.tokens import tokens_asked

GROUP = "weft.models"
LONGEST_ANSWER = 4_096
"""Tokens that are reserved for an answer where neither the request nor the list of models says how long it may be."""


class ConfiguredModels:
    """`domain.ports.models.Models` for one service. Only the scripts file is read before it is needed."""

    def __init__(self, settings: ModelSettings, breakers: Breakers | None = None, discretion: Discretion = Discretion()) -> None:  # noqa: B008 (frozen)
        self._settings, self._breakers = settings, breakers or provider_breakers(BreakerPolicy(), SystemClock())
        self._discretion = discretion
        self._prices = BundledPrices()
        self._scripted = ScriptedModels(settings.scripts, settings.chunk_seconds)
        self._providers = ProviderModels(settings, self._prices, discretion)
        self._adapters: dict[str, ModelAdapter] = {}

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        model = self._target(request.model)
        if not self.known(model):
            raise ModelNotFound(f"no model {request.model}; {self._known_ones()}")
        adapter, asked = self._adapter(model), replace(request, model=model)
        if adapter is self._scripted:
            return await adapter.complete(asked, on_text)
        hearing = self._discretion.hearing(on_text)
        try:
            answer = await self._breakers.of(self._provider(model)).call(lambda: adapter.complete(asked, hearing))
        except ModelError as error:
            self._discretion.of_error(error)
            raise
        return self._discretion.of_answer(answer)

    def at_most(self, request: ModelRequest) -> Usage:
        model = self._target(request.model)
        if not self.known(model):
            raise ModelNotFound(f"no model {request.model}; {self._known_ones()}")
        prompt, price = tokens_asked(request), self._price(model)
        longest = request.max_tokens or (None if model in self._scripted.names else self._prices.longest_answer(model)) or LONGEST_ANSWER
        cost = price.cost(Counted(prompt, longest)) if price else None
        return Usage(model, prompt, longest, cost, estimated=True)

    def known(self, name: str) -> bool:
        model = self._target(name)
        prefix, slash, rest = model.partition("/")
        if prefix == PREFIX and slash:
            return model in self._scripted.names
        if model in self._settings.endpoints:
            return True
        return (bool(rest) and prefix in self._installed) or self._prices.provider(model) != ""

    def cards(self) -> Sequence[ModelCard]:
        aliases = [self._card(name, model) for name, model in self._settings.aliases.items()]
        return aliases + [self._card(name, name) for name in (*self._settings.endpoints, *self._scripted.names)]

    async def warm(self) -> None:
        """Loads what the configured models need; without a usable provider model that is nothing."""
        targets = {*self._settings.aliases.values(), *self._settings.endpoints}
        if any(self._is_providers(model) and not self._providers.why_unusable(model) for model in targets):
            await self._providers.warm()

    async def close(self) -> None:
        await self._providers.close()

    def _target(self, name: str) -> str:
        return self._settings.aliases.get(name, name)

    def _provider(self, model: str) -> str:
        """Who fails when this model does; one with an address of its own stands for itself."""
        endpoint = self._settings.endpoints.get(model)
        if endpoint is not None and endpoint.api_base is not None:
            return model
        return self._prices.provider(model) or model.partition("/")[0]

    def _is_providers(self, model: str) -> bool:
        prefix = model.partition("/")[0]
        return prefix != PREFIX and prefix not in self._installed

    def _adapter(self, model: str) -> ModelAdapter:
        prefix = model.partition("/")[0]
        if prefix == PREFIX:
            return self._scripted
        if prefix not in self._installed:
            return self._providers
        if prefix not in self._adapters:
            self._adapters[prefix] = _load(self._installed[prefix])
        return self._adapters[prefix]

    @cached_property
    def _installed(self) -> Mapping[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group=GROUP)}

    def _card(self, name: str, model: str) -> ModelCard:
        if model.startswith(f"{PREFIX}/"):
            reason = "" if self.known(model) else f"no scripted model {model}"
            return ModelCard(name, model, PREFIX, PRICE.prompt_million, PRICE.completion_million, not reason, reason, scripted=True)
        price = self._price(model)
        reason = self._why_unusable(model)
        prompt, completion = (price.prompt_million, price.completion_million) if price else (None, None)
        return ModelCard(name, model, self._prices.provider(model) or model.partition("/")[0], prompt, completion, not reason, reason)

    def _price(self, model: str) -> Price | None:
        if model.startswith(f"{PREFIX}/"):
            return PRICE
        endpoint = self._settings.endpoints.get(model)
        return (endpoint.price if endpoint else None) or self._prices.of(model)

    def _why_unusable(self, model: str) -> str:
        if not self.known(model):
            return f"no model {model}"
        return self._providers.why_unusable(model) if self._is_providers(model) else ""

    def _known_ones(self) -> str:
        named = [
            *self._settings.aliases,
            *self._settings.endpoints,
            *self._scripted.names,
            *(f"{prefix}/..." for prefix in self._installed),
        ]
        return f"there are {', '.join(named)} and every provider/model that litellm knows"


def _load(entry: EntryPoint) -> ModelAdapter:
    adapter: ModelAdapter = entry.load()
    if getattr(adapter, "prefix", None) != entry.name or not callable(getattr(adapter, "complete", None)):
        raise FactoryError(f"{entry.value} of the group {GROUP} is no adapter with the prefix {entry.name}")
    return adapter
