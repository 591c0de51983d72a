"""Tools of the modules that the owner names: every function with `@tool` in them."""

import importlib
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Final

from domain.declaring import is_declared
from domain.errors import FactoryError
from infrastructure.tools.native import native_tool
from infrastructure.tools.runnable import RunnableTool

_NOT_THEIRS: Final = ("<frozen ", importlib.__file__, *(str(Path(__file__).parents[2] / floor) for floor in ("domain", "infrastructure")))


def tools_of_modules(names: Sequence[str]) -> Sequence[RunnableTool]:
    """`FactoryError` names the module and the line at which it does not load, or says that it has no tool. Modules of the working folder
    are found too, behind all others."""
    here = str(Path.cwd())
    if names and here not in sys.path:
        sys.path.append(here)
    # A function that two modules have is one tool.
    functions = {id(function): function for name in names for function in _functions_of(_loaded(name))}
    return [native_tool(function) for function in functions.values()]


def _loaded(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    # What a module does while it is imported is not ours to know, and leaving the process is part of it.
    except (Exception, SystemExit) as error:
        raise FactoryError(f"WEFT_TOOLS: the module {name} does not load: {type(error).__name__}: {error} ({_where(error)})") from error


def _where(error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}, line {error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_NOT_THEIRS)]
    return f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else "nothing of that name can be imported"


def _functions_of(module: ModuleType) -> Sequence[Callable[..., object]]:
    found = [value for value in vars(module).values() if callable(value) and is_declared(value)]
    if not found:
        raise FactoryError(f"WEFT_TOOLS: the module {module.__name__} has no function with @tool")
    return found
