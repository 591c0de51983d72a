"""What a docstring says: the first paragraph, and a line per parameter in the manner of Google (`Args:`) or reST (`:param x:`)."""

import inspect
import re
from collections.abc import Callable
from typing import Final

_GOOGLE_SECTION: Final = re.compile(r"^(?:Args|Arguments|Parameters):[ ]*\n((?:[ ]+.*(?:\n|$)|\n)*)", re.MULTILINE)
_GOOGLE: Final = re.compile(r"^\*{0,2}(\w+)[ ]*(?:\([^)\n]*\))?:[ ]*(.*(?:\n[ ]+\S.*)*)", re.MULTILINE)
_REST: Final = re.compile(r"^:param[ ]+(?:[^:\n]*[ ])?(\w+):[ ]*(.*(?:\n[ ]+\S.*)*)", re.MULTILINE)


def summary(function: Callable[..., object]) -> str:
    return " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())


def parameter_texts(function: Callable[..., object]) -> dict[str, str]:
    """By parameter; those the docstring does not mention are absent."""
    text = inspect.getdoc(function) or ""
    section = _GOOGLE_SECTION.search(text)
    listed = _GOOGLE.findall(inspect.cleandoc("\n" + section.group(1))) if section else []
    return {name: " ".join(said.split()) for name, said in [*listed, *_REST.findall(text)]}
