"""Keys, and who stands behind one."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from application.views import KeyView
from domain.access import LOCAL_ADMIN, ApiKey, Principal, Role
from domain.audit import Deed
from domain.errors import Unauthenticated
from domain.ids import DEFAULT_TENANT, KeyId, NewId, TenantId
from domain.json import Json, JsonObject
from domain.policy import Effect
from domain.ports.audit import AuditTrail
from domain.ports.clock import Clock
from domain.ports.repositories import Keys
from domain.ports.tokens import Tokens

__all__ = [
    "LOCAL_ADMIN",
    "Authenticate",
    "CreateKey",
    "KeyOrder",
    "ListKeys",
    "NewSecret",
    "Principal",
    "RemoveKey",
    "Role",
    "counted_as",
    "digest_of",
    "local_admin",
]

NewSecret: TypeAlias = Callable[[], bytes]
"""32 bytes nobody can guess."""

PREFIX = "weft_"


def digest_of(key: str) -> str:
    """All that is ever stored of a key. A key is 256 random bits, so a plain hash is enough: there is nothing to guess."""
    return hashlib.sha256(key.encode()).hexdigest()


def local_admin(tenant: str) -> Principal:
    """Whoever sits at the machine and holds its database."""
    return Principal(TenantId(tenant), Role.ADMIN, LOCAL_ADMIN.name)


class KeyOrder(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    role: Role
    name: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")] = ""


@dataclass(frozen=True, slots=True)
class CreateKey:
    """Makes a key of the caller's own tenant. Only this answer holds the key itself."""

    keys: Keys
    new_id: NewId
    new_secret: NewSecret
    clock: Clock
    trail: AuditTrail

    async def __call__(self, who: Principal, order: KeyOrder) -> KeyView:
        who.must_be(Role.ADMIN)
        secret = PREFIX + base64.urlsafe_b64encode(self.new_secret()).rstrip(b"=").decode()
        key = ApiKey(KeyId(self.new_id()), who.tenant, order.role, digest_of(secret), order.name, self.clock.now())
        about: dict[str, Json] = {"role": order.role.value, "name": order.name}
        await self.trail.record(_deed(who, self.clock, "key.create", key.id, about))
        await self.keys.add(key)
        return KeyView.of(key, secret)


@dataclass(frozen=True, slots=True)
class ListKeys:
    keys: Keys

    async def __call__(self, who: Principal) -> list[KeyView]:
        who.must_be(Role.ADMIN)
        return [KeyView.of(key) for key in await self.keys.list(who.tenant)]


@dataclass(frozen=True, slots=True)
class RemoveKey:
    keys: Keys
    clock: Clock
    trail: AuditTrail

    async def __call__(self, who: Principal, key: str) -> None:
        who.must_be(Role.ADMIN)
        if any(one.id == key for one in await self.keys.list(who.tenant)):  # else it may be the key itself, which is written nowhere
            await self.trail.record(_deed(who, self.clock, "key.remove", key, {}))
        await self.keys.remove(who.tenant, KeyId(key))


@dataclass(frozen=True, slots=True)
class Authenticate:
    """`configured`: digests of the keys that settings give; each is an admin of the tenant `default`.
    `keyless`: nobody has made a key, so whoever asks without one is the admin; the service must then listen on loopback only. `tokens`: of
    an identity provider, where one is trusted; nothing that looks like a key of ours is taken for one."""

    keys: Keys
    configured: tuple[str, ...] = ()
    keyless: bool = False
    tokens: Tokens | None = None

    async def __call__(self, key: str | None) -> Principal:
        if key is not None:
            return await self._holder(key, digest_of(key))
        if self.keyless:
            return LOCAL_ADMIN
        raise Unauthenticated("a key is needed: send it as `Authorization: Bearer KEY` or as `X-API-Key`")

    async def _holder(self, key: str, digest: str) -> Principal:
        # Every digest is compared, so that the time taken does not tell which one came near.
        if sum([hmac.compare_digest(known, digest) for known in self.configured]):
            return Principal(DEFAULT_TENANT, Role.ADMIN, "configured")
        if self.tokens is not None and _is_token(key):
            return await self.tokens.principal_of(key)
        found = await self.keys.by_digest(digest)
        if found is None or not hmac.compare_digest(found.digest, digest):
            raise Unauthenticated("this key is not known, or was removed: ask an admin for another")
        return Principal(found.tenant, found.role, found.name or found.id)


def _deed(who: Principal, clock: Clock, action: str, key: str, about: JsonObject) -> Deed:
    return Deed(who.tenant, clock.now(), who.name, action, key, Effect.ALLOW.value, source=f"role {who.role.value}", about=about)


def counted_as(key: str | None, who: Principal) -> str:
    """Whose requests are counted together: tokens of one holder are as many as they like."""
    if key is None:
        return "local"
    return f"{who.tenant} {who.name}" if _is_token(key) else digest_of(key)


def _is_token(key: str) -> bool:
    """A JSON Web Token has three parts with dots between; a key of ours has none."""
    return key.count(".") == 2 and not key.startswith(PREFIX)
