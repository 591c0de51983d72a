"""Tools of the modules that the owner names."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from domain.errors import FactoryError
from infrastructure.tools.modules import tools_of_modules

TOOLS = '''
from weft import tool

@tool(effects="once", seconds=3, concurrency=2, calls_per_minute=10, output_bytes=100, cost_usd="0.01", examples=[{"arguments": {"cents": 1}}])
def pay(cents: int) -> int:
    """Pay."""
    return cents

@tool
async def look() -> str:
    """Look."""
    return "here"

def no_tool() -> None:
    pass
'''  # noqa: E501


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Writes a module into the working folder, which is not on the path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)

    def write_module(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text)

    yield write_module
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_every_declared_function_of_a_module_is_a_tool_with_its_limits_and_cost(write: Callable[[str, str], None]) -> None:
    write("my_tools", TOOLS)

    pay, look = (one.tool for one in tools_of_modules(["my_tools"]))

    assert (pay.name, look.name) == ("pay", "look")
    assert (pay.limits.seconds, pay.limits.concurrency, pay.limits.calls_per_minute, pay.limits.output_bytes) == (3, 2, 10, 100)
    assert pay.cost is not None
    assert (str(pay.cost.amount), pay.cost.currency) == ("0.01", "USD")
    assert pay.examples == ({"arguments": {"cents": 1}},)


def test_a_function_that_two_modules_have_is_one_tool(write: Callable[[str, str], None]) -> None:
    write("first_tools", TOOLS)
    write("second_tools", "from first_tools import look\n")

    assert [one.tool.name for one in tools_of_modules(["first_tools", "second_tools"])] == ["pay", "look"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("x = 1\ny = 1 / 0\n", r"the module broken does not load: ZeroDivisionError: .*broken\.py, line 2", id="it raises"),
        pytest.param("x = 1\n\nif:\n", r"SyntaxError: .*broken\.py, line 3", id="it is no Python"),
        pytest.param("import sys\nsys.exit(1)\n", r"SystemExit: .*broken\.py, line 2", id="it leaves"),
        pytest.param("import nowhere_to_be_found\n", r"ModuleNotFoundError: .*broken\.py, line 1", id="it wants what is not there"),
        pytest.param("x = 1\n", "has no function with @tool", id="it has no tool"),
        pytest.param("from weft import tool\n@tool(seconds=0)\ndef f() -> int: ...\n", "seconds=0.*line 2", id="a limit that is none"),
        pytest.param("from weft import tool\n@tool(cost_usd='cheap')\ndef f() -> int: ...\n", "'cheap'", id="a price that is none"),
    ],
)
def test_a_module_that_does_not_load_says_where(write: Callable[[str, str], None], text: str, said: str) -> None:
    write("broken", text)
    with pytest.raises(FactoryError, match=said):
        tools_of_modules(["broken"])


def test_a_module_that_is_not_there_is_named(write: Callable[[str, str], None]) -> None:
    with pytest.raises(FactoryError, match=r"the module nowhere\.tools does not load: ModuleNotFoundError"):
        tools_of_modules(["nowhere.tools"])
