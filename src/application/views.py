"""What readers get: plain models made from what the domain holds. They are the schemas of the published API."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Generic, TypeVar, cast

from pydantic import BaseModel, ConfigDict, JsonValue

from domain.access import ApiKey, Role
from domain.errors import Failure
from domain.graph.flow import Priority
from domain.json import Json
from domain.model import ModelCard, ProviderHealth
from domain.thread import OnFailure, Thread, ThreadState, ThreadType
from domain.tool import ToolExecutionResult
from domain.usage import Money, Usage
from domain.words import shown

S = TypeVar("S")
T = TypeVar("T")


class View(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class PageView(View, Generic[T]):
    """`next_cursor` is null on the last page."""

    items: list[T]
    next_cursor: str | None = None


class MoneyView(View):
    """`amount` is a decimal number in a string."""

    amount: str
    currency: str

    @classmethod
    def of(cls, money: Money) -> "MoneyView":
        return cls(amount=plain_number(money.amount), currency=money.currency)


class ErrorView(View):
    code: str
    message: str
    node: str
    attempt: int

    @classmethod
    def of(cls, failure: Failure) -> "ErrorView":
        return cls(code=failure.code, message=failure.message, node=failure.node, attempt=failure.attempt)


class ThreadView(View):
    """`parent_position`: of a branch, the last row of its parent that is its own past. `state`: what the first of its unfinished runs does,
    or how its last one ended. `priority`: of runs on it that say none. `on_failure`: of a parallel thread."""

    id: str
    type: ThreadType
    state: ThreadState
    parent_id: str | None
    parent_position: int | None
    session_id: str | None
    priority: Priority | None
    on_failure: OnFailure | None
    name: str | None
    description: str | None
    labels: dict[str, JsonValue]
    created_at: datetime

    @classmethod
    def of(cls, thread: Thread, state: ThreadState = ThreadState.PENDING) -> "ThreadView":
        """A new one has no runs."""
        return cls(
            id=thread.id,
            type=thread.thread_type,
            state=state,
            parent_id=thread.parent,
            parent_position=thread.parent_position if thread.thread_type is ThreadType.BRANCH else None,
            session_id=thread.session,
            priority=thread.metadata.priority,
            on_failure=thread.metadata.on_failure if thread.thread_type is ThreadType.PARALLEL else None,
            name=thread.metadata.name,
            description=thread.metadata.description,
            labels=json_object(thread.labels),
            created_at=thread.created_at,
        )


class TokensView(View):
    """What one call used. `cost` is null when its price is unknown; `estimated` when the provider did not say."""

    model: str
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cost: MoneyView | None
    estimated: bool

    @classmethod
    def of(cls, usage: Usage) -> "TokensView":
        return cls(
            model=usage.model,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            total_tokens=usage.total_tokens,
            cost=perhaps(MoneyView.of, usage.cost),
            estimated=usage.estimated,
        )


class ToolResultView(View):
    """`success` exactly when `error` is null. `execution_time` in seconds. `cost` of this call, null when it has no price."""

    success: bool
    output: JsonValue
    error: ErrorView | None
    execution_time: float
    token_usage: TokensView | None
    cost: MoneyView | None

    @classmethod
    def of(cls, result: ToolExecutionResult) -> "ToolResultView":
        return cls(
            success=result.success,
            output=json_value(result.output),
            error=perhaps(ErrorView.of, result.error),
            execution_time=result.execution_time,
            token_usage=perhaps(TokensView.of, result.token_usage),
            cost=perhaps(MoneyView.of, result.cost),
        )


class ProviderHealthView(View):
    """As those who call it see it. `breaker`: `closed`, `open` (it is left alone) or `half_open` (one call tries). `paused_until`: it asked
    not to be called before."""

    breaker: str
    last_error: str
    last_error_at: datetime | None
    requests_in_minute: int
    tokens_in_minute: int
    paused_until: datetime | None

    @classmethod
    def of(cls, health: ProviderHealth) -> "ProviderHealthView":
        return cls(
            breaker=health.breaker,
            last_error=health.last_error,
            last_error_at=health.last_error_at,
            requests_in_minute=health.requests_in_minute,
            tokens_in_minute=health.tokens_in_minute,
            paused_until=health.paused_until,
        )


class ModelView(View):
    """Prices are for a million tokens; null when unknown, and `priced` is then false. `price_since`: from when on the owner's price holds;
    null for one of the list. `reason` says why a model is not usable. `chain`: what an alias asks, one after the other. `health`: null of
    what nobody has called."""

    name: str
    resolves_to: str
    provider: str
    prompt_price: MoneyView | None
    completion_price: MoneyView | None
    usable: bool
    reason: str
    scripted: bool
    chain: list[str]
    priced: bool
    price_since: date | None
    price_reason: str
    health: ProviderHealthView | None

    @classmethod
    def of(cls, card: ModelCard) -> "ModelView":
        return cls(
            name=card.name,
            resolves_to=card.resolves_to,
            provider=card.provider,
            prompt_price=perhaps(MoneyView.of, card.prompt_price),
            completion_price=perhaps(MoneyView.of, card.completion_price),
            usable=card.usable,
            reason=card.reason,
            scripted=card.scripted,
            chain=list(card.chain or (card.resolves_to,)),
            priced=card.prompt_price is not None,
            price_since=card.price_since,
            price_reason=card.price_reason,
            health=perhaps(ProviderHealthView.of, card.health),
        )


class KeyView(View):
    """`key` is there once, in the answer that made it, and never again."""

    id: str
    tenant: str
    role: Role
    name: str
    created_at: datetime
    key: str | None = None

    @classmethod
    def of(cls, key: ApiKey, secret: str | None = None) -> "KeyView":
        return cls(id=key.id, tenant=key.tenant, role=key.role, name=key.name, created_at=key.created_at, key=secret)


def perhaps(view: Callable[[S], T], value: S | None) -> T | None:
    """Nothing stays nothing."""
    return None if value is None else view(value)


def plain_number(amount: Decimal) -> str:
    """Without exponent and without zeros at the end."""
    return format(amount.normalize(), "f")


def plainly(text: str) -> str:
    """What a tool or a model said, without what steers a terminal: tabs and ends of lines stay."""
    return shown(text.replace("\r\n", "\n"), len(text))


def json_value(value: Json) -> JsonValue:
    """The same value under pydantic's name for it: mappings and sequences of the domain are always dicts and lists or tuples."""
    return cast("JsonValue", value)


def json_object(value: Mapping[str, Json]) -> dict[str, JsonValue]:
    return cast("dict[str, JsonValue]", dict(value))
