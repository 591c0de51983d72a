"""`${arguments.x}` and `${secret.NAME}` as they are written in a config."""

import re
from collections.abc import Mapping
from typing import Final, TypeAlias

from domain.errors import Problem
from domain.json import Json
from infrastructure.schemas import pointer_to
from infrastructure.tools.rest.templates import Argument, Secret, Template, Tree

Steps: TypeAlias = tuple[str | int, ...]
"""Of the way to a part of a config."""
_REFERENCE: Final = re.compile(r"\$\$\{|\$\{([^{}]*)\}?")
_SECRET: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Reading:
    """Of one config: gathers everything that is wrong with it. `declared`: the arguments there are."""

    def __init__(self, declared: frozenset[str]) -> None:
        self.declared = declared
        self.problems: list[Problem] = []

    def wrong(self, at: Steps, code: str, message: str) -> None:
        self.problems.append(Problem(pointer_to(at), code, message))

    def template(self, at: Steps, written: str, *, arguments: bool = True) -> Template:
        """`$${` is a plain `${`. Not `arguments`: only secrets may stand there."""
        parts: list[str | Argument | Secret] = []
        end = 0
        for found in _REFERENCE.finditer(written):
            parts += [written[end : found.start()], self._reference(at, found, arguments)]
            end = found.end()
        kept = [part for part in (*parts, written[end:]) if part != ""]
        return Template(tuple(kept) or ("",))

    def tree(self, at: Steps, written: Json) -> Tree:
        if isinstance(written, str):
            return self.template(at, written)
        if isinstance(written, Mapping):
            return {name: self.tree((*at, name), one) for name, one in written.items()}
        if isinstance(written, list | tuple):
            return [self.tree((*at, number), one) for number, one in enumerate(written)]
        return written  # type: ignore[return-value] # a string and a sequence have been dealt with

    def argument(self, at: Steps, dotted: str) -> Argument:
        """A name with dots in it comes before a path of names."""
        parts = dotted.split(".")
        for length in range(len(parts), 0, -1):
            if (name := ".".join(parts[:length])) in self.declared:
                return Argument((name, *parts[length:]))
        self.wrong(at, "unknown_argument", f"`parameters` declares no argument {parts[0][:80]}")
        return Argument((dotted,))

    def _reference(self, at: Steps, found: re.Match[str], arguments: bool) -> str | Argument | Secret:
        if found[0] == "$${":
            return "${"
        root, _, rest = (found[1] or "").partition(".")
        match root:
            case "arguments" if rest and found[0].endswith("}"):
                if not arguments:
                    self.wrong(at, "no_argument", "credentials are not given by whoever calls: only ${secret.NAME} may stand here")
                return self.argument(at, rest)
            case "secret" if _SECRET.fullmatch(rest) and found[0].endswith("}"):
                return Secret(rest)
        self.wrong(
            at, "unknown_reference", f"{found[0][:80]} is neither ${{arguments.NAME}} nor ${{secret.NAME}}; a plain ${{ is written $${{"
        )
        return ""
