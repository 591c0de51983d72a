"""Who may ask, and what may be done: as files of the owner's and an identity provider say."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, cast

from domain.errors import FactoryError
from domain.policy import Policy
from domain.ports.clock import Clock
from infrastructure.outgoing.addresses import Addresses, Allowed
from infrastructure.store.later import Later, LaterModule
from settings import Settings

if TYPE_CHECKING:
    from domain.ports.tokens import Tokens
    from infrastructure.access.signing_keys import SigningKeys
    from infrastructure.outgoing.messages import Asks


def policy_of(settings: Settings) -> Policy:
    """What is wrong with its file stops the start."""
    if settings.policy is None:
        return Policy()
    from application.policies import read_policy
    from infrastructure.strict_file import document_in

    return read_policy(document_in(settings.policy, "WEFT_POLICY"), settings.policy.name)


def tokens_of(settings: Settings, clock: Clock) -> "Tokens | None":
    """Loaded with the first token. A file of keys is read at once: what is wrong with it stops the start."""
    issuer, audience, keys = settings.jwt_issuer, settings.jwt_audience, settings.jwt_keys
    if issuer is None or audience is None or keys is None:
        return None
    is_address = keys.startswith("https://")

    def make() -> object:
        from infrastructure.access.bearer import BearerTokens, TokenRules

        rules = TokenRules(issuer, audience, settings.jwt_tenant_claim, settings.jwt_role_claim)
        return BearerTokens(rules, _keys_at(keys, settings, clock) if is_address else _keys_in(Path(keys), clock))

    tokens = Later(make)
    if not is_address:
        tokens.rest()
    return cast("Tokens", tokens)


def _keys_at(url: str, settings: Settings, clock: Clock) -> "SigningKeys":
    from infrastructure.access.signing_keys import SigningKeys, from_url

    door = LaterModule("infrastructure.outgoing.door").Door(Addresses(Allowed(names=settings.http_private)))
    return SigningKeys(from_url(url, cast("Asks", door)), clock)


def _keys_in(file: Path, clock: Clock) -> "SigningKeys":
    from infrastructure.access.key_documents import BadKeys, keys_in
    from infrastructure.access.signing_keys import SigningKeys

    async def fetch() -> bytes:
        return await asyncio.to_thread(file.read_bytes)

    try:
        return SigningKeys(fetch, clock, keys_in(file.read_bytes()))
    except (OSError, BadKeys) as error:
        raise FactoryError(f"WEFT_JWT_KEYS: {file}: {error}") from error
