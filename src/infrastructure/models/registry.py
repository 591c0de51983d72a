"""All models of a service behind one port: aliases first, then whoever answers for what stands before the slash."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import Final

from domain.errors import DatabaseError, FactoryError, ModelNotFound
from domain.model import ModelCard, ModelRequest, ModelResponse, OnText, ProviderHealth
from domain.pacing import Rates
from domain.ports.checkup import AliasVitals
from domain.ports.clock import Clock
from domain.ports.lanes import Lanes
from domain.usage import Usage
from infrastructure.breaker import BreakerPolicy, Breakers
from infrastructure.clock import SystemClock
from infrastructure.memory.lanes import MemoryLanes
from infrastructure.models.adapter import ModelAdapter, Observe, unobserved
from infrastructure.models.breaker import provider_breakers
from infrastructure.models.calling import Calls, Line
from infrastructure.models.cards import Cards
from infrastructure.models.chain import Chain
from infrastructure.models.discretion import Discretion
from infrastructure.models.failures import model_error
from infrastructure.models.listing import GROUP, LONGEST_ANSWER, Listing
from infrastructure.models.litellm import ProviderModels
from infrastructure.models.openai import CompatibleModels
from infrastructure.models.options import for_scripts
from infrastructure.models.pacer import Pacer
from infrastructure.models.pulse import Pulse
from infrastructure.models.scripted import ScriptedModels
from infrastructure.models.settings import Alias, ModelSettings

__all__ = ["LONGEST_ANSWER", "ConfiguredModels"]

_SYSTEM: Final = SystemClock()


class ConfiguredModels:
    """`domain.ports.models.Models` for one service. Only the scripts file is read before it is needed. `lanes`: where the
    service's processes meet."""

    def __init__(
        self,
        settings: ModelSettings,
        breakers: Breakers | None = None,
        discretion: Discretion = Discretion(),  # noqa: B008 (frozen)
        lanes: Lanes | None = None,
        clock: Clock = _SYSTEM,
        observe: Observe = unobserved,
    ) -> None:
        self._settings, self._clock, self._observe = settings, clock, observe
        self._scripted = ScriptedModels(settings.scripts, settings.chunk_seconds)
        self._listing = Listing(settings, frozenset(self._scripted.names), lambda: clock.now().date())
        self._providers = ProviderModels(settings, self._listing, discretion)
        self._compatible = CompatibleModels(settings, self._listing, discretion)
        self._adapters: dict[str, ModelAdapter] = {}
        lanes, breakers = lanes or MemoryLanes(), breakers or provider_breakers(BreakerPolicy(), clock)
        self._pacer, pulse = Pacer(lanes, clock), Pulse(lanes, clock, secrets.token_hex(4))
        self._calls = Calls(self._listing, breakers, self._pacer, pulse, discretion, clock)
        self._cards = Cards(settings, self._listing, self._scripted.names, self._why_unusable)

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        chain = self._chain(request)
        line = self._line(request.model, chain.alias)

        async def ask(asked: ModelRequest, hearing: OnText | None, patience: float) -> ModelResponse:
            adapter = self._adapter(asked.model, chain.alias)
            if reason := self._why_unusable(asked.model):
                raise model_error("model_auth", f"{asked.model}: {reason}")
            observed = self._observe(adapter, self._provider(asked.model))
            if adapter is not self._scripted:
                return await self._calls(observed, asked, hearing, patience, line)
            if line is not None:
                await self._pacer.turn(*line, self._listing.taken(asked), patience)
            return await observed.complete(for_scripts(asked), hearing)

        return await chain.answered(ask, on_text)

    def at_most(self, request: ModelRequest) -> Usage:
        return self._chain(request).at_most()

    def known(self, name: str) -> bool:
        return all(map(self._listing.known, self._settings.alias(name).chain))

    def cards(self) -> Sequence[ModelCard]:
        return self._cards.all()

    async def survey(self) -> Sequence[ModelCard]:
        return await self._felt(self.cards())

    async def aliases(self) -> Sequence[AliasVitals]:
        """With how the providers of their models are."""
        return [
            AliasVitals(name, await self._felt(chain), [card.name for card in chain if not self._listing.known(card.name)])
            for name, chain in self._cards.chains().items()
        ]

    async def _felt(self, cards: Sequence[ModelCard]) -> Sequence[ModelCard]:
        found: dict[str, ProviderHealth | None] = {}
        try:
            for lane in {card.lane for card in cards if card.lane}:
                found[lane] = await self._calls.health(lane)
        except DatabaseError:  # what is known without it is shown all the same
            return cards
        return [replace(card, health=found.get(card.lane)) for card in cards]

    async def warm(self) -> None:
        """Loads what the configured models need; without a usable provider model that is nothing."""
        named = {*self._settings.aliases, *(name for name in self._settings.endpoints if "/" in name)}
        aliases = [self._settings.alias(name) for name in named]
        targets = [(model, alias) for alias in aliases for model in alias.chain if self._listing.known(model)]
        if any(self._adapter(model, alias) is self._providers and not self._why_unusable(model) for model, alias in targets):
            await self._providers.warm()

    async def close(self) -> None:
        await self._providers.close()
        await self._compatible.close()

    def _chain(self, request: ModelRequest) -> Chain:
        alias = self._settings.alias(request.model)
        for model in alias.chain:
            if not self._listing.known(model):
                raise ModelNotFound(f"no model {request.model if len(alias.chain) == 1 else model}; {self._known_ones()}")
        return Chain(alias, request, self._listing, self._clock)

    def _provider(self, model: str) -> str:
        prefix, slash, _ = model.partition("/")
        return prefix if slash else self._listing.provider(model)

    def _line(self, name: str, alias: Alias) -> Line | None:
        rates = Rates(alias.requests_per_minute, alias.tokens_per_minute)
        return None if rates.is_free else (f"alias {name}", rates)

    def _adapter(self, model: str, alias: Alias) -> ModelAdapter:
        prefix = model.partition("/")[0]
        if model in self._listing.scripted:
            return self._scripted
        if prefix in self._listing.installed:
            if prefix not in self._adapters:
                self._adapters[prefix] = _load(self._listing.installed[prefix])
            return self._adapters[prefix]
        return self._compatible if (alias.adapter or self._listing.endpoint(model).adapter) == "openai" else self._providers

    def _why_unusable(self, model: str) -> str:
        if not self._listing.known(model):
            return f"no scripted model {model}" if model.startswith("scripted/") else f"no model {model}"
        if model in self._listing.scripted or model.partition("/")[0] in self._listing.installed:
            return ""
        return self._providers.why_unusable(model)

    def _known_ones(self) -> str:
        named = [
            *self._settings.aliases,
            *self._settings.endpoints,
            *self._scripted.names,
            *(f"{prefix}/..." for prefix in self._listing.installed),
        ]
        return f"there are {', '.join(named)} and every provider/model that litellm knows"


def _load(entry: EntryPoint) -> ModelAdapter:
    adapter: ModelAdapter = entry.load()
    if getattr(adapter, "prefix", None) != entry.name or not callable(getattr(adapter, "complete", None)):
        raise FactoryError(f"{entry.value} of the group {GROUP} is no adapter with the prefix {entry.name}")
    return adapter
