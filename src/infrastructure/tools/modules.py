"""Tools of the modules that the owner names: every function with `@tool` in them."""

import importlib
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

from domain.declaring import is_declared
from domain.errors import FactoryError
from infrastructure.tools.native import native_tool
from infrastructure.tools.runnable import RunnableTool


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
    last = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<frozen importlib")][-1]
    return (
        "nothing of that name can be imported"
        if last.filename in (__file__, importlib.__file__)
        else f"{last.filename}, line {last.lineno}"
    )


def _functions_of(module: ModuleType) -> Sequence[Callable[..., object]]:
    found = [value for value in vars(module).values() if callable(value) and is_declared(value)]
    if not found:
        raise FactoryError(f"WEFT_TOOLS: the module {module.__name__} has no function with @tool")
    return found
