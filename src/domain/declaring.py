"""`@tool`: what an author says of a function that its signature does not. Light: this is what packages of tools import."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar, overload

from domain.errors import FactoryError
from domain.tool import Effects

F = TypeVar("F", bound=Callable[..., object])
MARK: Final = "__weft_tool__"


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
) -> F | Callable[[F], F]:
    """Declare a typed function, plain or async, a tool; it stays the function it was.

    `effects`: "none" only reads and may be called again freely; "idempotent" may be called again with the same
    `ToolContext.idempotency_key`; "once" is called at most once, and a person decides when its outcome is unknown; anything else is a
    `FactoryError`. `in_process`: a plain function of a module that computes for long runs in a process of its own, which is stopped when
    nobody waits for it any more.
    """
    if effects not in list(Effects):
        raise FactoryError(f"a tool's effects are one of {', '.join(Effects)}, not {effects!r}")
    declaration = Declaration(name, description, Effects(effects), version, author, tuple(tags), in_process)

    def declared(target: F) -> F:
        setattr(target, MARK, declaration)
        return target

    return declared if function is None else declared(function)


def declaration_of(function: Callable[..., object]) -> Declaration:
    found = getattr(function, MARK, None)
    return found if isinstance(found, Declaration) else Declaration()
