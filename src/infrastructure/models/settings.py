"""Which models a service has, as its owner set it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from infrastructure.models.prices import Price


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How one model is reached when the provider's defaults will not do. Prices are USD per million tokens and need each other."""

    api_base: str | None = None
    api_key: str | None = field(default=None, repr=False)
    prompt_price: Decimal | None = None
    completion_price: Decimal | None = None

    @property
    def price(self) -> Price | None:
        if self.prompt_price is None or self.completion_price is None:
            return None
        return Price.per_million(self.prompt_price, self.completion_price)


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """`aliases`: name -> `provider/model`. `endpoints`: `provider/model` -> how it is reached. `scripts`: a YAML or JSON file of scripts.

    `environment` is where providers' keys are looked for (`OPENAI_API_KEY`); `chunk_seconds` is how slowly scripted models talk.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    scripts: Path | None = None
    chunk_seconds: float = 0.0
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
