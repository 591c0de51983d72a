"""What is known of models without asking one: who provides them, at what price, how long they may be."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points

from domain.model import ModelRequest
from domain.pacing import Rates
from domain.usage import Usage
from infrastructure.models.prices import BundledPrices, Price
from infrastructure.models.scripted import PREFIX, PRICE
from infrastructure.models.settings import DatedPrice, Endpoint, ModelSettings
from infrastructure.models.texts import asks_for_an_hour, images_in, shortest_json
from infrastructure.models.tokens import tokens_asked, tokens_at_most

GROUP = "weft.models"
LONGEST_ANSWER = 4_096
"""Tokens of an answer at most, where neither the request nor the list of models says how long it may be."""
USUAL_ANSWER = 1_000
"""Tokens that an answer takes of a limit per minute until it is there, where the request does not say."""


@dataclass
class Listing:
    """`scripted`: names of offline models. `today`: in UTC."""

    settings: ModelSettings
    scripted: frozenset[str]
    today: Callable[[], date]
    bundled: BundledPrices = field(default_factory=BundledPrices)

    @cached_property
    def installed(self) -> Mapping[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group=GROUP)}

    def known(self, model: str) -> bool:
        prefix, slash, rest = model.partition("/")
        if prefix == PREFIX and slash:
            return model in self.scripted
        if model in self.settings.endpoints and slash:
            return True
        return (bool(rest) and (prefix in self.installed or prefix in self.settings.endpoints)) or self.bundled.provider(model) != ""

    def provider(self, model: str) -> str:
        return self.bundled.provider(model) or model.partition("/")[0]

    def lane(self, model: str) -> str:
        """Who fails, or is in a hurry, when this model is: its address, or its provider, and the key that it is called with."""
        endpoint = self.endpoint(model)
        if endpoint.api_base is None:
            place = self.provider(model)
        else:
            place = model if model in self.settings.endpoints else model.partition("/")[0]
        return f"{place}#{hashlib.sha256(endpoint.api_key.encode()).hexdigest()[:8]}" if endpoint.api_key else place

    def endpoint(self, model: str) -> Endpoint:
        return self.settings.endpoint(model)

    def rates(self, model: str) -> Rates:
        endpoint = self.endpoint(model)
        return Rates(endpoint.requests_per_minute, endpoint.tokens_per_minute)

    def dated_price(self, model: str) -> DatedPrice | None:
        """Of today, where the owner has set one with a date."""
        listed = self.settings.prices.get(model) or self.settings.prices.get(model.lower())
        if listed is None:
            return None
        today = self.today()
        return next((price for price in reversed(listed) if price.since <= today), None)

    def price(self, model: str) -> Price | None:
        """Of today; None: nobody knows."""
        if model in self.scripted:
            return PRICE
        return self.owners_price(model) or self.bundled.of(model)

    def owners_price(self, model: str) -> Price | None:
        """What the owner has set for today."""
        dated = self.dated_price(model)
        return dated.price if dated else self.endpoint(model).price

    def price_of(self, request: ModelRequest) -> Price | None:
        """Of a call. What the list says is for plain ones: searches of the web cost by themselves, and other tiers cost something else."""
        listed = request.model not in self.scripted and self.owners_price(request.model) is None
        tier = request.options.get("service_tier")
        is_plain = tier in (None, "auto", "default") and not request.options.get("web_search_options")
        return None if listed and not is_plain else self.price(request.model)

    def longest_answer(self, model: str) -> int:
        return (None if model in self.scripted else self.bundled.longest_answer(model)) or LONGEST_ANSWER

    def bounded(self, request: ModelRequest) -> ModelRequest:
        """Where nobody says how long its answer may be, the model is told: else no budget could hold what it promises."""
        model = request.model
        if request.max_tokens is not None or model in self.scripted or self.bundled.longest_answer(model):
            return request
        return replace(request, max_tokens=self._answer(request))

    def window(self, model: str) -> int | None:
        """Tokens that may be asked; None: nobody knows."""
        return None if model in self.scripted else self.bundled.window(model)

    def at_most(self, request: ModelRequest, answer: int | None = None) -> Usage:
        """What a call of this model uses at most; `answer`: when it says so many tokens."""
        prompt, price = self._prompt(request), self.price_of(request)
        longest = answer if answer is not None else self._longest(request)
        images, long = sum(map(images_in, request.messages)), asks_for_an_hour(request)
        cost = price.at_most(prompt, longest, images, long=long) if price else None
        return Usage(request.model, prompt, longest, cost, estimated=True)

    def _prompt(self, request: ModelRequest) -> int:
        """Scripted models count as we do. Nobody reads more than its window holds, but what is listed may be of an older version."""
        counted = tokens_asked(request)
        if request.model in self.scripted:
            return counted
        most, window = tokens_at_most(request), self.window(request.model)
        return most if window is None else min(most, max(window, counted))

    def _longest(self, request: ModelRequest) -> int:
        """What a prediction got wrong is charged beside the answer."""
        predicted = request.options.get("prediction")
        beside = 0 if predicted is None or request.model in self.scripted else len(shortest_json(predicted).encode())
        return self._answer(request) + beside

    def _answer(self, request: ModelRequest) -> int:
        """Where nothing says how long it may be, it comes after whatever thinking was asked for."""
        thinking = request.options.get("thinking")
        budget = thinking.get("budget_tokens") if isinstance(thinking, Mapping) else None
        thought = budget + LONGEST_ANSWER if isinstance(budget, int) else 0
        return request.max_tokens or max(self.longest_answer(request.model), thought)

    def taken(self, request: ModelRequest) -> int:
        """Tokens that a call takes of a limit before anybody knows what it uses."""
        return tokens_asked(request) + (request.max_tokens or min(USUAL_ANSWER, self.longest_answer(request.model)))
