"""A typed Python function as a tool, handed in or brought by a package."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from domain.errors import FactoryError, ToolError, ToolNotFound
from domain.json import Json, JsonObject
from domain.ports.tools import ToolContext
from domain.tool import Effects, Tool, ToolType
from infrastructure.tools.catalog import TenantTools
from infrastructure.tools.native import native_tool
from tests.toolbox import tools_of
from tests.unit.infrastructure.tool_calls import CONTEXT, HandClock, answer, refusal, tools_with
from weft import tool


class Parcel(BaseModel):
    weight: float
    fragile: bool = False


@dataclass
class Offer:
    price: Decimal
    on: date


@tool(effects="idempotent", version="2.1.0", author="Ada", tags=["post"])
def offer(parcel: Parcel, on: date, speed: Literal["slow", "fast"] = "slow", stamps: Annotated[int, Field(ge=1)] = 1) -> Offer:
    """Offer to carry a parcel.

    Longer words about it.

    Args:
        parcel: What is to be
            carried.
        on (date): The day.
        stamps: How many.
    """
    return Offer(Decimal(str(parcel.weight)) * (2 if speed == "fast" else 1) * stamps, on)


async def shout(text: str, context: ToolContext) -> str:
    """Say it loudly.

    :param text: What to say.
    """
    await asyncio.sleep(0)
    return f"{text.upper()} ({context.idempotency_key})"


def definition(function: Callable[..., object]) -> Tool:
    return native_tool(function).tool


async def result_of(function: Callable[..., object], **arguments: Json) -> Json:
    return answer(await tools_with(function).call(function.__name__, arguments, CONTEXT))


def test_the_schema_of_a_tool_comes_from_its_signature_and_docstring() -> None:
    parameters: Any = definition(offer).parameters

    assert parameters["required"] == ["parcel", "on"]
    assert parameters["additionalProperties"] is False
    assert parameters["properties"]["parcel"] == {"$ref": "#/$defs/Parcel", "description": "What is to be carried."}
    assert parameters["properties"]["on"] == {"type": "string", "format": "date", "description": "The day."}
    assert parameters["properties"]["speed"] == {"enum": ["slow", "fast"], "type": "string", "default": "slow"}
    assert parameters["properties"]["stamps"] == {"type": "integer", "minimum": 1, "default": 1, "description": "How many."}


def test_what_an_author_declares_is_in_the_definition() -> None:
    about = definition(offer)

    assert (about.name, about.tool_type, about.effects) == ("offer", ToolType.NATIVE, Effects.IDEMPOTENT)
    assert (about.metadata.description, about.metadata.version) == ("Offer to carry a parcel.", "2.1.0")
    assert (about.metadata.author, about.metadata.tags) == ("Ada", ("post",))


def test_a_context_is_no_parameter() -> None:
    parameters: Any = definition(shout).parameters

    assert parameters["properties"] == {"text": {"type": "string", "description": "What to say."}}


async def test_a_tool_gets_the_types_it_asked_for_and_its_answer_becomes_json() -> None:
    assert await result_of(offer, parcel={"weight": 1.5}, on="2026-03-01", speed="fast") == {"price": "3.0", "on": "2026-03-01"}


async def test_an_async_tool_is_told_its_idempotency_key() -> None:
    assert await result_of(shout, text="hello") == "HELLO (run/ask#1/0)"


async def test_a_plain_function_runs_in_a_thread() -> None:
    def where() -> str:
        return threading.current_thread().name

    assert await result_of(where) != threading.current_thread().name


def half(number: float) -> float:
    return number / 2


def repeated(times: int = 2) -> int:
    return times


def either(value: int | bool) -> str:
    return type(value).__name__


def listed(numbers: Sequence[int]) -> int:
    return sum(numbers)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        pytest.param(half, {"number": True}, id="True is not a number"),
        pytest.param(repeated, {"times": True}, id="nor a whole number"),
        pytest.param(listed, {"numbers": [1, True]}, id="nor one inside a list"),
        pytest.param(half, {"number": "1"}, id="a text is not a number"),
        pytest.param(repeated, {"times": 1.5}, id="a broken number is not whole"),
        pytest.param(half, {}, id="a missing argument"),
        pytest.param(half, {"number": 1, "other": 1}, id="an unknown argument"),
        pytest.param(offer, {"parcel": {"weight": True}, "on": "2026-03-01"}, id="True inside a model"),
        pytest.param(offer, {"parcel": {"weight": 1}, "on": "yesterday"}, id="a text that is no date"),
        pytest.param(offer, {"parcel": {"weight": 1}, "on": "2026-03-01", "stamps": 0}, id="below the least"),
    ],
)
async def test_an_argument_of_another_type_is_refused(function: Callable[..., object], arguments: JsonObject) -> None:
    assert refusal(await tools_with(function).call(function.__name__, arguments, CONTEXT)) == "invalid_arguments"


async def test_a_type_that_takes_a_boolean_gets_one() -> None:
    assert (await result_of(either, value=True), await result_of(either, value=1)) == ("bool", "int")


async def test_a_default_is_the_functions_own() -> None:
    assert await result_of(repeated) == 2


def wrong_number() -> int:
    return True


def wrong_object() -> dict[str, int]:
    return {"a": "b"}  # type: ignore[dict-item]


def no_json() -> object:
    return object()


def nowhere() -> float:
    return float("nan")


def circle() -> Any:  # any JSON
    round_and_round: list[Any] = []
    round_and_round.append(round_and_round)
    return round_and_round


def infinity() -> Any:  # any JSON
    return float("inf")


@pytest.mark.parametrize("function", [wrong_number, wrong_object, no_json, nowhere, circle, infinity])
async def test_an_answer_that_is_not_what_the_signature_promises_is_an_error(function: Callable[..., object]) -> None:
    assert refusal(await tools_with(function).call(function.__name__, {}, CONTEXT)) == "invalid_output"


def untyped(value) -> int:  # type: ignore[no-untyped-def]
    return len(value)


def starred(*values: int) -> int:
    return sum(values)


def positional(value: int, /) -> int:
    return value


def foreign(lock: threading.Thread) -> int:
    return 1


def unknown(value: "Nowhere") -> int:  # type: ignore[name-defined]  # noqa: F821
    return 1


@pytest.mark.parametrize("function", [untyped, starred, positional, foreign, unknown])
def test_a_signature_that_does_not_say_what_it_takes_is_refused(function: Callable[..., object]) -> None:
    with pytest.raises(FactoryError, match=function.__name__):
        native_tool(function)


def test_effects_that_nobody_knows_cannot_be_declared() -> None:
    with pytest.raises(FactoryError, match="none, idempotent, once"):
        tool(effects="twice")  # type: ignore[call-overload]


def test_a_declared_function_is_still_itself() -> None:
    assert offer(Parcel(weight=2), date(2026, 3, 1)) == Offer(Decimal("2.0"), date(2026, 3, 1))


PACKAGE = '''
from weft import ToolContext, ToolError, tool

@tool(effects="idempotent", tags=("greetings",))
def greet(name: str, context: ToolContext) -> str:
    """Greet somebody."""
    if name == "nobody":
        raise ToolError("nobody is there", "nobody_there", retryable=True)
    return f"Hello {name}, says {context.tenant}"

@tool(name="other")
def misnamed() -> int:
    return 1

def untyped(value):
    return value

number = 7
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], TenantTools]]:
    """Installs a package with the given name and entry points, as pip would leave it, and gives the tools there are then."""

    def install(name: str, points: str) -> TenantTools:
        (tmp_path / f"{name}.py").write_text(PACKAGE)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[weft.tools]\n{points}\n")
        return tools_of(HandClock())

    monkeypatch.syspath_prepend(str(tmp_path))
    known = set(sys.modules)
    yield install
    for name in set(sys.modules) - known:
        if name.startswith("greeter"):
            del sys.modules[name]


Install = Callable[[str, str], TenantTools]


async def test_a_tool_of_another_package_works_like_ours(package: Install) -> None:
    tools = package("greeter", "greet = greeter:greet")

    assert answer(await tools.call("greet", {"name": "Ada"}, CONTEXT)) == "Hello Ada, says default"
    assert "greet" in [one.name for one in tools.list()]
    assert tools.get("greet").effects is Effects.IDEMPOTENT


async def test_an_error_a_tool_raises_on_purpose_keeps_its_code(package: Install) -> None:
    result = await package("greeter", "greet = greeter:greet").call("greet", {"name": "nobody"}, CONTEXT)

    assert result.error is not None
    assert (result.error.code, result.error.message, result.error.retryable) == ("nobody_there", "nobody is there", True)


async def test_a_package_is_imported_only_when_its_tool_is_asked_for(package: Install) -> None:
    tools = package("greeter", "greet = greeter:greet")

    await tools.call("calculator", {"expression": "1"}, CONTEXT)
    assert "greeter" not in sys.modules
    tools.get("greet")
    assert "greeter" in sys.modules


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        pytest.param("greeter_gone:greet", "No module named", id="a module that is not there"),
        pytest.param("greeter:gone", "has no attribute", id="a function that is not there"),
        pytest.param("greeter:number", "is no function", id="no function"),
        pytest.param("greeter:untyped", "has no type", id="a function without types"),
        pytest.param("greeter:misnamed", "calls itself other", id="a function with another name"),
    ],
)
def test_a_broken_package_costs_its_tool_only_and_says_why(package: Install, target: str, reason: str) -> None:
    tools = package("greeter", f"broken = {target}\ngreet = greeter:greet")

    assert [one.name for one in tools.list()] == ["calculator", "datetime", "greet", "json_query", "sleep", "text_search"]
    with pytest.raises(ToolNotFound, match=f"tool broken of the package greeter does not load: .*{reason}"):
        tools.get("broken")


def test_two_packages_cannot_bring_one_tool(package: Install) -> None:
    package("greeter", "greet = greeter:greet")
    tools = package("greeter_two", "greet = greeter_two:greet")

    with pytest.raises(FactoryError, match=r"greeter and greeter_two|greeter_two and greeter"):
        tools.list()


def test_a_package_cannot_replace_a_builtin_tool(package: Install) -> None:
    tools = package("greeter", "calculator = greeter:greet")

    with pytest.raises(FactoryError, match=r"two tools are called calculator.*greeter"):
        tools.list()


def test_the_error_of_a_tool_is_the_one_of_the_face() -> None:
    import weft

    assert weft.ToolError is ToolError


@tool(effects="once")
def refuses() -> int:
    """Says no, on purpose."""
    raise ToolError("no money")


@tool(effects="once")
def breaks() -> int:
    """Loses its connection."""
    raise ConnectionResetError("reset")


@tool(effects="once")
def is_not_sure() -> int:
    """Says that it does not know."""
    raise ToolError("no answer", "gateway_silent", unknown=True)


@tool(effects="once")
def talks_nonsense() -> int:
    """Does what it does, and answers something else."""
    return "five"  # type: ignore[return-value]


@pytest.mark.parametrize(("function", "unknown"), [(refuses, False), (breaks, True), (is_not_sure, True), (talks_nonsense, True)])
async def test_only_an_error_on_purpose_tells_that_nothing_happened(function: Callable[..., object], unknown: bool) -> None:
    result = await tools_with(function).call(function.__name__, {}, CONTEXT)

    assert (result.success, result.unknown) == (False, unknown)
