"""What providers charge, from the list that comes with litellm, read without importing it.

Rates are exact: they go from the list's text to Decimal and never are a float.
"""

import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from domain.usage import Money

MILLION = 1_000_000
TALKING = frozenset({"chat", "completion", "responses"})
"""Modes of the listed models that answer conversations; the others draw, listen, embed."""
_TIER = re.compile(r"input_cost_per_token_above_(\d+)k_tokens")

Entry = Mapping[str, Any]  # a line of the list, JSON


@dataclass(frozen=True, slots=True)
class Counted:
    """Tokens of one call, and pictures it was given. `cached` and `written` (to the provider's cache) are part of `prompt`, `reasoning` is
    part of `completion`, `hour` (kept for an hour; None: nobody says) is part of `written`."""

    prompt: int
    completion: int
    cached: int = 0
    written: int = 0
    reasoning: int = 0
    images: int = 0
    hour: int | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """USD per token, per call, per picture. `hour`: of what is written to be kept for an hour; None: as `written`. `tiers`: from more than
    so many prompt tokens on, another price holds for the whole call; ascending."""

    prompt: Decimal
    completion: Decimal
    cached: Decimal
    written: Decimal
    reasoning: Decimal
    tiers: tuple[tuple[int, "Price"], ...] = ()
    per_call: Decimal = Decimal(0)
    per_image: Decimal = Decimal(0)
    hour: Decimal | None = None

    @classmethod
    def per_million(
        cls,
        prompt: Decimal,
        completion: Decimal,
        per_call: Decimal = Decimal(0),
        per_image: Decimal = Decimal(0),
        **others: Decimal | None,
    ) -> "Price":
        """`others`: `cached`, `written`, `reasoning`, `hour`; None or left out: as plain tokens, and `hour` as `written`."""
        plain = {"cached": prompt, "written": prompt, "reasoning": completion}
        cached, written, reasoning = (
            (otherwise if (said := others.get(name)) is None else said) / MILLION for name, otherwise in plain.items()
        )
        hour = others.get("hour")
        return cls(
            prompt / MILLION,
            completion / MILLION,
            cached,
            written,
            reasoning,
            (),
            per_call,
            per_image,
            None if hour is None else hour / MILLION,
        )

    @property
    def prompt_million(self) -> Money:
        return Money(_plain(self.prompt * MILLION))

    @property
    def completion_million(self) -> Money:
        return Money(_plain(self.completion * MILLION))

    def cost(self, used: Counted) -> Money:
        rate = next((price for above, price in reversed(self.tiers) if used.prompt > above), self)
        asked = (
            (used.prompt - used.cached - used.written) * rate.prompt
            + used.cached * rate.cached
            + rate.writing(used.written, used.hour or 0)
        )
        answered = (used.completion - used.reasoning) * rate.completion + used.reasoning * rate.reasoning
        return Money(_plain(asked + answered + self.per_call + used.images * self.per_image))

    def writing(self, written: int, hour: int) -> Decimal:
        """So many tokens, so many of them for an hour."""
        return (written - hour) * self.written + hour * (self.written if self.hour is None else self.hour)

    def at_most(self, prompt: int, completion: int, images: int, *, long: bool = False) -> Money:
        """Whatever part of them is written to a cache, or thought. `long`: what is written may be for an hour."""
        kept = ((0, 0), (prompt, 0), (prompt, prompt)) if long else ((0, 0), (prompt, 0))
        ways = ((written, hour, reasoning) for written, hour in kept for reasoning in (0, completion))
        costs = [self.cost(Counted(prompt, completion, 0, written, reasoning, images, hour)) for written, hour, reasoning in ways]
        return max(costs, key=lambda cost: cost.amount)


class BundledPrices:
    """The list, read at the first question (15 ms) and kept for the life of the process."""

    def of(self, model: str) -> Price | None:
        """None: not in the list, or not charged by the token."""
        entry = self._entry(model)
        return _price(entry) if entry else None

    def has(self, model: str) -> bool:
        return self._entry(model) is not None

    def longest_answer(self, model: str) -> int | None:
        """Tokens; None: the list does not say."""
        entry = self._entry(model) or {}
        said = entry.get("max_output_tokens", entry.get("max_tokens"))
        return said if isinstance(said, int) else None

    def window(self, model: str) -> int | None:
        """Tokens that may be asked; None: the list does not say."""
        said = (self._entry(model) or {}).get("max_input_tokens")
        return said if isinstance(said, int) else None

    def provider(self, model: str) -> str:
        """`openai` for `openai/gpt-4o-mini` and for `gpt-4o-mini`; empty when the list has no such provider."""
        entry = self._entry(model)
        first, _, name = model.partition("/")
        if name and first in _providers():
            return first
        return str(entry.get("litellm_provider", "")) if entry else ""

    def _entry(self, model: str) -> Entry | None:
        """Most models stand under `provider/model`, the best known without their provider, which must then be the right one."""
        listed = _entries()
        if model in listed:
            return listed[model]
        provider, _, name = model.partition("/")
        entry = listed.get(name)
        return entry if entry and str(entry.get("litellm_provider", "")).startswith(provider) else None


def _price(entry: Entry) -> Price | None:
    if "input_cost_per_token" not in entry or "output_cost_per_token" not in entry:
        return None
    tiers = sorted(int(found.group(1)) for found in map(_TIER.fullmatch, entry) if found)
    return replace(_rates(entry, ""), tiers=tuple((tier * 1000, _rates(entry, f"_above_{tier}k_tokens")) for tier in tiers))


def _rates(entry: Entry, tier: str) -> Price:
    """The rates of a tier; what a tier does not say is as below it, and what is not said at all costs as plain tokens do."""

    def rate(name: str, otherwise: Decimal | None = None) -> Decimal:
        listed = entry.get(name + tier, entry.get(name, otherwise))
        return Decimal(0) if listed is None else Decimal(listed)

    prompt, completion = rate("input_cost_per_token"), rate("output_cost_per_token")
    written = rate("cache_creation_input_token_cost", prompt)
    return Price(
        prompt,
        completion,
        rate("cache_read_input_token_cost", prompt),
        written,
        rate("output_cost_per_reasoning_token", completion),
        per_call=rate("input_cost_per_request"),
        hour=max(written, rate("cache_creation_input_token_cost_above_1hr", written)),
    )


def _plain(amount: Decimal) -> Decimal:
    """Without trailing zeros and without an exponent: 0.15, 12, 0.00000255."""
    return Decimal(f"{amount.normalize():f}")


@cache
def _entries() -> Mapping[str, Entry]:
    entries = _bundled("model_prices_and_context_window_backup.json")
    return {name: entry for name, entry in entries.items() if entry.get("mode") in TALKING}


@cache
def _providers() -> frozenset[str]:
    listed = _bundled("provider_endpoints_support_backup.json").get("providers", {})
    return frozenset(listed) | {str(entry.get("litellm_provider", "")) for entry in _entries().values()}


def _bundled(name: str) -> Mapping[str, Entry]:
    package = importlib.util.find_spec("litellm")
    if package is None or not package.submodule_search_locations:
        return {}
    written = (Path(package.submodule_search_locations[0]) / name).read_text(encoding="utf-8")
    listed: Mapping[str, Entry] = json.loads(written, parse_float=Decimal)
    return listed
