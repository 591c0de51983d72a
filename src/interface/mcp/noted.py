"""Calls on the audit trail, over whichever transport they came. One that merely looks stands there only when it is denied."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from mcp import MCPError
from mcp_types import CallToolResult

from application.access import Principal
from application.desk import Desk
from application.errors import Family, WeftError
from application.noting import Called
from interface.mcp.naming import GET_RUN

_GONE: Final = "cancelled"
_UNKNOWN: Final = "unknown_tool"


@dataclass(slots=True)
class Outcome:
    """Of a call; as long as there is no result its caller has gone before."""

    result: CallToolResult | None = None
    refused: WeftError | None = None

    def called(self, offered: str, arguments: Mapping[str, object]) -> Called:
        about = (self.result.meta or {}) if self.result else {"error": {"code": _GONE}}
        run = about.get("run_id", arguments.get("run_id"))
        error = about.get("error", {}).get("code", "")
        is_denied = self.refused is not None and self.refused.family is Family.FORBIDDEN
        return Called(offered, run if isinstance(run, str) else "", error, self.refused.message if self.refused and is_denied else "")


@contextmanager
def noted(desk: Desk, who: Principal, offered: str, arguments: Mapping[str, object]) -> Iterator[Outcome]:
    """To be told the outcome of the call that is made within."""
    outcome = Outcome()
    try:
        yield outcome
    except MCPError:
        desk.note_request.call(who, Called(offered, error=_UNKNOWN))
        raise
    except BaseException:
        desk.note_request.call(who, outcome.called(offered, arguments))
        raise
    called = outcome.called(offered, arguments)
    if offered != GET_RUN or called.refusal:
        desk.note_request.call(who, called)
