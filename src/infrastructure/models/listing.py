"""What is known of models without asking one: who provides them, at what price, how long they may be."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points

from domain.model import ModelRequest
from domain.pacing import Rates
from domain.usage import Usage
from infrastructure.models.prices import BundledPrices, Counted, Price
from infrastructure.models.scripted import PREFIX, PRICE
from infrastructure.models.settings import DatedPrice, Endpoint, ModelSettings
from infrastructure.models.texts import images_in
from infrastructure.models.tokens import tokens_asked

GROUP = "weft.models"
LONGEST_ANSWER = 4_096
"""Tokens that are reserved for an answer where neither the request nor the list of models says how long it may be."""
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
        dated = self.dated_price(model)
        return dated.price if dated else self.endpoint(model).price or self.bundled.of(model)

    def longest_answer(self, model: str) -> int:
        return (None if model in self.scripted else self.bundled.longest_answer(model)) or LONGEST_ANSWER

    def window(self, model: str) -> int | None:
        """Tokens that may be asked; None: nobody knows."""
        return None if model in self.scripted else self.bundled.window(model)

    def at_most(self, request: ModelRequest, answer: int | None = None) -> Usage:
        """What a call of this model uses at most; `answer`: when it says so many tokens."""
        prompt, price = tokens_asked(request), self.price(request.model)
        longest = answer if answer is not None else request.max_tokens or self.longest_answer(request.model)
        cost = price.cost(Counted(prompt, longest, images=sum(map(images_in, request.messages)))) if price else None
        return Usage(request.model, prompt, longest, cost, estimated=True)

    def taken(self, request: ModelRequest) -> int:
        """Tokens that a call takes of a limit before anybody knows what it uses."""
        return tokens_asked(request) + (request.max_tokens or min(USUAL_ANSWER, self.longest_answer(request.model)))
