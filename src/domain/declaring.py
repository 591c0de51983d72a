"""`@tool`: what an author says of a function that its signature does not. Light: this is what packages of tools import."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, TypeVar, overload

from domain.errors import FactoryError
from domain.json import Json
from domain.tool import MOST_OUTPUT_BYTES, NO_LIMITS, Effects, ToolLimits
from domain.usage import Money

F = TypeVar("F", bound=Callable[..., object])
MARK: Final = "__weft_tool__"
_PRICE: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")


@dataclass(frozen=True, slots=True)
class Declaration:
    """`name` None: the function's own, or its entry point's. `description` None: the docstring's first paragraph."""

    name: str | None = None
    description: str | None = None
    effects: Effects = Effects.NONE
    version: str = "1.0.0"
    author: str | None = None
    tags: tuple[str, ...] = ()
    in_process: bool = False
    examples: tuple[Mapping[str, Json], ...] = ()
    limits: ToolLimits = NO_LIMITS
    cost: Money | None = None


@overload
def tool(function: F, /) -> F: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    effects: Literal["none", "idempotent", "once"] = "none",
    version: str = "1.0.0",
    author: str | None = None,
    tags: Sequence[str] = (),
    in_process: bool = False,
    examples: Sequence[Mapping[str, Json]] = (),
    concurrency: int | None = None,
    calls_per_minute: int | None = None,
    seconds: float | None = None,
    output_bytes: int = MOST_OUTPUT_BYTES,
    cost_usd: str | None = None,
) -> Callable[[F], F]: ...
def tool(
    function: F | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    effects: Literal["none", "idempotent", "once"] = "none",
    version: str = "1.0.0",
    author: str | None = None,
    tags: Sequence[str] = (),
    in_process: bool = False,
    examples: Sequence[Mapping[str, Json]] = (),
    concurrency: int | None = None,
    calls_per_minute: int | None = None,
    seconds: float | None = None,
    output_bytes: int = MOST_OUTPUT_BYTES,
    cost_usd: str | None = None,
) -> F | Callable[[F], F]:
    """Declare a typed function, plain or async, a tool; it stays the function it was.

    `effects`: "none" only reads and may be called again freely; "idempotent" may be called again with the same
    `ToolContext.idempotency_key`; "once" is called at most once, and a person decides when its outcome is unknown; anything else is a
    `FactoryError`. `in_process`: a plain function of a module that computes for long runs in a process of its own, which is stopped when
    nobody waits for it any more. `examples`: each `{"arguments": {...}, "output": ...}`. `concurrency` calls at once, `calls_per_minute`:
    of each worker. `seconds`: of one call. `output_bytes`: of what it returns, as JSON. `cost_usd`: of one call, as "0.01".
    """
    if effects not in list(Effects):
        raise FactoryError(f"a tool's effects are one of {', '.join(Effects)}, not {effects!r}")
    limits, cost = _limits(concurrency, calls_per_minute, seconds, output_bytes), _cost(cost_usd)
    declaration = Declaration(name, description, Effects(effects), version, author, tuple(tags), in_process, tuple(examples), limits, cost)

    def declared(target: F) -> F:
        setattr(target, MARK, declaration)
        return target

    return declared if function is None else declared(function)


def _limits(concurrency: int | None, calls_per_minute: int | None, seconds: float | None, output_bytes: int) -> ToolLimits:
    given = {"concurrency": concurrency, "calls_per_minute": calls_per_minute, "seconds": seconds, "output_bytes": output_bytes}
    wrong = [f"{name}={value!r}" for name, value in given.items() if value is not None and not value > 0]
    if wrong:
        raise FactoryError(f"a tool's limits are more than 0, not {', '.join(wrong)}")
    return ToolLimits(concurrency, calls_per_minute, seconds, output_bytes)


def _cost(cost_usd: str | None) -> Money | None:
    if cost_usd is not None and not _PRICE.fullmatch(cost_usd):
        raise FactoryError(f'a tool\'s cost_usd is a number in a string, as "0.01", not {cost_usd!r}')
    return None if cost_usd is None else Money(Decimal(cost_usd))


def is_declared(value: object) -> bool:
    """Is it a function with `@tool`?"""
    return isinstance(getattr(value, MARK, None), Declaration)


def declaration_of(function: Callable[..., object]) -> Declaration:
    found = getattr(function, MARK, None)
    return found if isinstance(found, Declaration) else Declaration()
