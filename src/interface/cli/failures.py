"""What goes wrong in a command: one sentence, its details as a list, and an exit code. Never a traceback."""

import os
import sys
from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from application.errors import Problem, WeftError
    from application.workflow_views import ProblemView

    Found: TypeAlias = Problem | ProblemView

INTERRUPTED = 130
"""What shells expect of a program that Ctrl-C ended."""


class Exit(IntEnum):
    DONE = 0
    FAILED = 1
    WRONG_USE = 2
    UNREACHABLE = 3


class CommandFailed(Exception):
    """`details`: one line each, already with the file, line and column where there are some."""

    def __init__(self, sentence: str, details: Sequence[str] = (), code: int = Exit.WRONG_USE) -> None:
        super().__init__(sentence)
        self.sentence = sentence.removesuffix(": see `problems`")  # these are printed below it
        self.details = tuple(details)
        self.code = code


def complain(error: Exception) -> int:
    """Say on stderr what happened; the exit code."""
    failed = error if isinstance(error, CommandFailed) else _told(error)
    print(f"weft: {failed.sentence}", *(f"  {detail}" for detail in failed.details), sep="\n", file=sys.stderr)
    return failed.code


def _told(error: Exception) -> CommandFailed:
    from application.errors import WeftError

    if isinstance(error, WeftError):
        return of_weft_error(error)
    if os.environ.get("WEFT_DEBUG"):
        raise error
    what = f"{type(error).__name__}: {error}"
    return CommandFailed(f"something went wrong inside ({what}); set WEFT_DEBUG=1 to see where", code=Exit.FAILED)


def of_weft_error(error: "WeftError", file: str = "") -> CommandFailed:
    """`file`: the document that the error's problems lie in."""
    from application.errors import Family, problems_of

    codes = {Family.UNAVAILABLE: Exit.UNREACHABLE, Family.UPSTREAM: Exit.FAILED, Family.INTERNAL: Exit.FAILED}
    details = [] if _says_the_same(error) else [located(problem, file) for problem in problems_of(error)]
    if error.family is Family.UNAVAILABLE:
        details.append("is the database up, and is it the one you mean? --database or WEFT_DATABASE_URL names it")
    return CommandFailed(f"{file}: {error.message}" if file else error.message, details, codes.get(error.family, Exit.WRONG_USE))


def _says_the_same(error: "WeftError") -> bool:
    from application.errors import problems_of

    found = problems_of(error)
    return len(found) == 1 and found[0].message == error.message and found[0].line is None


def located(problem: "Found", file: str = "") -> str:
    return detail(problem.pointer, problem.message, problem.code, file, problem.line, problem.column)


def detail(pointer: str, message: str, code: str, file: str = "", line: int | None = None, column: int | None = None) -> str:
    """`FILE:LINE:COLUMN: POINTER: SENTENCE (CODE)`, without what is not known."""
    place = ":".join(str(part) for part in (file, line, column) if part)
    return ": ".join(part for part in (place, pointer, f"{message} ({code})") if part)
