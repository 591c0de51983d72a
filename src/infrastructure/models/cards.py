"""What is shown of the models there are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from domain.model import ModelCard
from infrastructure.models.listing import Listing
from infrastructure.models.scripted import PREFIX
from infrastructure.models.settings import ModelSettings


@dataclass(frozen=True, slots=True)
class Cards:
    """`why_unusable`: of one model, "" when nothing speaks against calling it."""

    settings: ModelSettings
    listing: Listing
    scripted: Sequence[str]
    why_unusable: Callable[[str], str]

    def all(self) -> Sequence[ModelCard]:
        """Aliases first, then what has an address or a key of its own, then offline models."""
        aliases = [self._card(name, self.settings.alias(name).chain) for name in self.settings.aliases]
        models = [name for name in self.settings.endpoints if "/" in name]
        return aliases + [self._card(name, (name,)) for name in (*models, *self.scripted)]

    def chains(self) -> Mapping[str, Sequence[ModelCard]]:
        """Of each alias the models that it asks, by themselves."""
        return {name: [self._card(model, (model,)) for model in self.settings.alias(name).chain] for name in self.settings.aliases}

    def _card(self, name: str, chain: tuple[str, ...]) -> ModelCard:
        first = chain[0]
        price, dated = self.listing.price(first), self.listing.dated_price(first)
        reasons = [self.why_unusable(model) for model in chain]
        reason = reasons[0] if len(chain) == 1 else "; ".join(f"{model}: {why}" for model, why in zip(chain, reasons, strict=True) if why)
        return ModelCard(
            name,
            first,
            PREFIX if first.startswith(f"{PREFIX}/") else self.listing.provider(first),
            price.prompt_million if price else None,
            price.completion_million if price else None,
            usable=not all(reasons),
            reason=reason,
            scripted=first.startswith(f"{PREFIX}/"),
            chain=chain,
            price_since=dated.since if dated else None,
            price_reason="" if price else _no_price(first),
            lane="" if first.startswith(f"{PREFIX}/") else self.listing.lane(first),
        )


def _no_price(model: str) -> str:
    return f"nobody says what {model} costs: set WEFT_PRICES"
