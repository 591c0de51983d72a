"""Settings about models: read from a variable or a file, and checked. What reads the rows themselves is loaded when there are some."""

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

ADAPTERS: Final = ("litellm", "openai")
_ENDPOINT: Final = ("api_base", "api_key", "prompt_price", "completion_price", "adapter", "requests_per_minute", "tokens_per_minute")
_PRICE: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_ADDRESS: Final = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")
_COUNT: Final = re.compile(r"[1-9][0-9]{0,11}")


def _read(rows: object, number: Callable[[str], object] = float) -> object:
    """With the JSON that stands in variables of the environment; a name is not JSON and stays."""
    if not isinstance(rows, Mapping):
        return rows
    return {name: _row(name, row, number) for name, row in rows.items()}


def _read_exactly(rows: object) -> object:
    return _read(rows, Decimal)


def _row(name: str, written: object, number: Callable[[str], object]) -> object:
    if not isinstance(written, str) or written.lstrip()[:1] not in ("[", "{"):
        return written
    try:
        return json.loads(written, parse_float=number)
    except ValueError as error:
        raise ValueError(f"{name}: it begins as JSON, and is none: {error}") from None


def _each(read: Callable[[object], object], rows: dict[str, object]) -> dict[str, object]:
    for name, row in rows.items():
        try:
            read(row)
        except ValidationError as error:
            raise ValueError("; ".join(_said(name, problem["loc"], problem["msg"]) for problem in error.errors())) from None
        except (ValueError, TypeError) as error:
            raise ValueError(f"{name}: {error}") from None
    return rows


def _said(name: str, where: tuple[int | str, ...], message: str) -> str:
    at = ".".join(map(str, where))
    return f"{name}: `{at}`: {message}" if at else f"{name}: {message}"


def _are_aliases(rows: dict[str, object]) -> dict[str, object]:
    if all(isinstance(row, str) for row in rows.values()):
        return rows
    from infrastructure.models.written import alias_of

    return _each(alias_of, rows)


def _are_prices(rows: dict[str, object]) -> dict[str, object]:
    if not rows:
        return rows
    from infrastructure.models.written import prices_of

    return _each(prices_of, rows)


def _as_text(rows: object) -> object:
    """Counts may be written as numbers."""
    read = _read(rows)
    return {name: _in_text(row) for name, row in read.items()} if isinstance(read, Mapping) else read


def _in_text(row: object) -> object:
    return {key: str(value) if type(value) is int else value for key, value in row.items()} if isinstance(row, Mapping) else row


def _are_endpoints(rows: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    for model, row in rows.items():
        for key, value in row.items():
            if key not in _ENDPOINT:
                raise ValueError(f"{model} has no `{key}`, but {', '.join(_ENDPOINT)}")
            if key.endswith("_price") and _PRICE.fullmatch(value) is None:
                raise ValueError(f"`{key}` of {model} must be a number such as 0.15")
            if key.endswith("_minute") and _COUNT.fullmatch(value) is None:
                raise ValueError(f"`{key}` of {model} must be a whole number such as 60")
            if key == "api_base" and _ADDRESS.fullmatch(value) is None:
                raise ValueError(f"`api_base` of {model} must be an address such as http://127.0.0.1:8000/v1")
            if key == "adapter" and value not in ADAPTERS:
                raise ValueError(f"`adapter` of {model} must be {' or '.join(ADAPTERS)}")
    return rows


Aliases = Annotated[
    dict[str, Any],
    BeforeValidator(_read),
    AfterValidator(_are_aliases),
    Field(description="alias -> provider/model, a list of them to try in turn, or a table: docs/models.md says what stands in one"),
]
Endpoints = Annotated[
    dict[str, dict[str, str]],
    BeforeValidator(_as_text),
    AfterValidator(_are_endpoints),
    Field(description="provider/model or provider -> api_base, api_key, prices per million tokens, adapter, limits per minute"),
]
PriceLists = Annotated[
    dict[str, Any],
    BeforeValidator(_read_exactly),
    AfterValidator(_are_prices),
    Field(description="provider/model -> prices from a day on: docs/models.md says what stands in one"),
]
