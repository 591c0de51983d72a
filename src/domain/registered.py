"""Tools that are data: what a tenant has described, and may change at any time."""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import TenantId
from domain.json import JsonObject


@dataclass(frozen=True, slots=True)
class RegisteredTool:
    """`document`: as it was given, and is stored. `by`: the key that registered it last."""

    tenant: TenantId
    name: str
    document: JsonObject
    by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Revision:
    """Of all that a tenant has registered: another one whenever that is something else, whatever clock changed it. `newest` and `sum`: of
    the seconds at which they were changed."""

    count: int = 0
    newest: float = 0.0
    sum: float = 0.0


@dataclass(frozen=True, slots=True)
class ToolPin:
    """A tool of a server that somebody has looked at: as long as its description has this digest it may be called. `document`: that
    description, which is all that models are shown of it. The digest "" is no description's: the approval was taken back."""

    server: str
    tool: str
    digest: str
    document: JsonObject
    by: str
    at: datetime
