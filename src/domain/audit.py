"""What was done, by whom, to what, and who decided: a chain in which each record holds the digest of the one before."""

from dataclasses import dataclass, field
from datetime import datetime

from domain.ids import TenantId
from domain.json import JsonObject


@dataclass(frozen=True, slots=True)
class Deed:
    """`who`: the name of a key, `session ID` or `run ID`. `action`: a word such as `tool.call`, `key.create`. `effect`: allow, ask or deny,
    by `rule` of `source`. `about`: what else a reader wants to know; never a secret, never what was said."""

    tenant: TenantId
    at: datetime
    who: str
    action: str
    resource: str
    effect: str
    rule: str = ""
    source: str = ""
    about: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """`number` counts from 1 within a tenant, without gaps. `digest`: hex SHA-256 over the digest before and the deed (RFC 8785)."""

    number: int
    deed: Deed
    digest: str
