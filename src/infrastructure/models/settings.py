"""Which models a service has, as its owner set it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

from domain.json import JsonObject
from infrastructure.models.prices import Price


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How a model, or all of a provider, is reached when the defaults will not do. Prices are USD per million tokens and need each other.
    Limits are those of the key, whatever is called with it."""

    api_base: str | None = None
    api_key: str | None = field(default=None, repr=False)
    prompt_price: Decimal | None = None
    completion_price: Decimal | None = None
    adapter: str | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None

    @property
    def price(self) -> Price | None:
        if self.prompt_price is None or self.completion_price is None:
            return None
        return Price.per_million(self.prompt_price, self.completion_price)


@dataclass(frozen=True, slots=True)
class Alias:
    """`chain`: models in the order in which they are asked. `parameters`: what a request says that does not say it itself.
    `timeout_seconds`: for each of them. Limits hold for the alias, beside those of keys."""

    chain: tuple[str, ...]
    parameters: JsonObject = field(default_factory=dict)
    timeout_seconds: float | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    adapter: str | None = None


@dataclass(frozen=True, slots=True)
class DatedPrice:
    """Holds from the beginning of that day (UTC) until the next one does."""

    since: date
    price: Price


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """`aliases`: name -> `provider/model`, or more about it. `endpoints`: `provider/model` or `provider` -> how it is reached. `scripts`: a
    YAML or JSON file of scripts. `prices`: `provider/model` -> its prices, ascending.

    `environment` is where providers' keys are looked for (`OPENAI_API_KEY`); `chunk_seconds` is how slowly scripted models talk.
    """

    aliases: Mapping[str, str | Alias] = field(default_factory=dict)
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    scripts: Path | None = None
    chunk_seconds: float = 0.0
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    prices: Mapping[str, tuple[DatedPrice, ...]] = field(default_factory=dict)

    def alias(self, name: str) -> Alias:
        """A name that is no alias stands for itself."""
        found = self.aliases.get(name, name)
        return found if isinstance(found, Alias) else Alias((found,))

    def endpoint(self, model: str) -> Endpoint:
        """The model's own, else its provider's."""
        return self.endpoints.get(model) or self.endpoints.get(model.partition("/")[0]) or Endpoint()
