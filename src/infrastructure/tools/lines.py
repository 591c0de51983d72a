"""What a tool logs: lines of bounded length, each with the tool, the tenant, the run and the activation."""

import logging
from collections.abc import MutableMapping
from typing import Any, Final

from domain.ports.tools import ToolContext
from domain.words import shown

LOGGERS: Final = "weft.tools"
LONGEST: Final = 2_000


class ToolLines(logging.LoggerAdapter[logging.Logger]):
    """Of one call."""

    def log(self, level: int, msg: object, *args: object, **more: Any) -> None:
        """Made into text here, so that it can be cut; as in the standard library, a line that does not fit its arguments is no error."""
        if not self.isEnabledFor(level):
            return
        try:
            text = str(msg) % args if args else str(msg)
        except (TypeError, ValueError):
            text = f"{msg} {args}"
        super().log(level, "%s", shown(text, LONGEST), **more)

    def process(self, msg: Any, kwargs: MutableMapping[str, object]) -> tuple[Any, MutableMapping[str, object]]:
        return msg, {**kwargs, "extra": dict(self.extra or {})}


def lines_of(tool: str, context: ToolContext) -> ToolLines:
    about = {"tool": tool, "tenant": context.tenant, "run": context.run, "activation": context.activation}
    return ToolLines(logging.getLogger(f"{LOGGERS}.{tool}"), about)
