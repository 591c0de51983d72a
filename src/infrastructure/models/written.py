"""How an owner writes down models: aliases, endpoints, prices. Money is written as text: a number in TOML or JSON is a float by the time
that we see it."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from infrastructure.models.chain import OF_A_REQUEST
from infrastructure.models.options import FORWARDED, unknown_options
from infrastructure.models.prices import Price
from infrastructure.models.setting_fields import ADAPTERS
from infrastructure.models.settings import Alias, DatedPrice, Endpoint

_PRICE: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")


def _amount(written: object) -> Decimal:
    if isinstance(written, bool | float) or _PRICE.fullmatch(str(written)) is None:
        raise ValueError(f'a price is written as text, such as "0.15", not {written!r}')
    return Decimal(str(written))


Amount = Annotated[Decimal, BeforeValidator(_amount)]
Count = Annotated[int, Field(ge=1, le=10**12)]


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


class WrittenPrice(_Written):
    """USD per million tokens; `per_call` and `per_image` in USD. What is not said costs as plain tokens do."""

    since: Annotated[date, Field(alias="from")]
    prompt: Amount
    completion: Amount
    cached: Amount | None = None
    written: Amount | None = None
    written_hour: Amount | None = None
    reasoning: Amount | None = None
    per_call: Amount = Decimal(0)
    per_image: Amount = Decimal(0)

    def price(self) -> DatedPrice:
        others = {"cached": self.cached, "written": self.written, "reasoning": self.reasoning, "hour": self.written_hour}
        return DatedPrice(self.since, Price.per_million(self.prompt, self.completion, self.per_call, self.per_image, **others))


class WrittenAlias(_Written):
    use: Annotated[tuple[str, ...], Field(min_length=1, max_length=10)]
    parameters: dict[str, Any] = {}
    timeout_seconds: Annotated[float, Field(gt=0, le=86_400)] | None = None
    requests_per_minute: Count | None = None
    tokens_per_minute: Count | None = None
    adapter: Annotated[str, Field(pattern=f"^({'|'.join(ADAPTERS)})$")] | None = None

    def alias(self) -> Alias:
        limits = (self.requests_per_minute, self.tokens_per_minute)
        return Alias(self.use, self.parameters, self.timeout_seconds, *limits, self.adapter)


def alias_of(written: object) -> Alias:
    """A name, a list of them, or a table. `ValueError` says what is wrong."""
    if isinstance(written, str):
        return Alias((written,))
    alias = WrittenAlias.model_validate({"use": written} if isinstance(written, list | tuple) else written).alias()
    if unknown := unknown_options(set(alias.parameters) - set(OF_A_REQUEST)):
        raise ValueError(f"no parameter {', '.join(unknown)}; there are {', '.join([*OF_A_REQUEST, *sorted(FORWARDED)])}")
    return alias


def prices_of(written: Any) -> tuple[DatedPrice, ...]:
    """Ascending by date. `ValueError` says what is wrong."""
    prices = sorted((WrittenPrice.model_validate(row).price() for row in written), key=lambda price: price.since)
    if not prices:
        raise ValueError("at least one price")
    days = [price.since for price in prices]
    if len(set(days)) < len(days):
        raise ValueError("two prices from the same day on")
    return tuple(prices)


def endpoint_of(row: Mapping[str, str]) -> Endpoint:
    def amount(name: str) -> Decimal | None:
        return Decimal(row[name]) if name in row else None

    def count(name: str) -> int | None:
        return int(row[name]) if name in row else None

    limits = (count("requests_per_minute"), count("tokens_per_minute"))
    prices = (amount("prompt_price"), amount("completion_price"))
    return Endpoint(row.get("api_base"), row.get("api_key"), *prices, row.get("adapter"), *limits)
