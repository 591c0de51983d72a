"""JSON Web Tokens as proof of who asks: signed by the issuer that the settings name, for this service, and not out of date."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt

from domain.access import Principal, Role
from domain.errors import Unauthenticated
from domain.ids import TenantId
from infrastructure.access.signing_keys import SigningKeys

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
"""None that signs with what checks it: whoever knows the public key could sign then."""
LEEWAY_SECONDS: Final = 60
LONGEST_TOKEN: Final = 16 * 1024
LONGEST_NAME: Final = 200
HOLDER: Final = "token:"
"""Before the name of whoever holds a token: the provider chooses it, and could choose that of a key, or of nobody's."""


@dataclass(frozen=True, slots=True)
class TokenRules:
    """Which tokens are taken, and which of their claims name tenant and role."""

    issuer: str
    audience: str
    tenant_claim: str = "tenant"
    role_claim: str = "role"


@dataclass(frozen=True, slots=True)
class BearerTokens:
    """`domain.ports.tokens.Tokens`."""

    rules: TokenRules
    keys: SigningKeys

    async def principal_of(self, token: str) -> Principal:
        claims = await self._claims(token)
        name = f"{HOLDER}{self._text(claims, 'sub')}"
        return Principal(TenantId(self._text(claims, self.rules.tenant_claim)), self._role(claims), name)

    async def _claims(self, token: str) -> Mapping[str, object]:
        kid, algorithm = _head(token)
        refusal: jwt.PyJWTError | None = None
        for one in await self.keys.named(kid, algorithm):
            try:
                return self._checked(token, algorithm, one.key)
            except jwt.InvalidSignatureError as error:
                refusal = error  # of keys without names another may be it
            except jwt.PyJWTError as error:
                raise _refused(str(error)) from error
        raise _refused("no key of WEFT_JWT_KEYS has signed it") from refusal

    def _checked(self, token: str, algorithm: str, key: Any) -> Mapping[str, object]:
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=self.rules.audience,
            issuer=self.rules.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )

    def _role(self, claims: Mapping[str, object]) -> Role:
        """Of several the one that may most."""
        name = self.rules.role_claim
        written = claims.get(name)
        told = written if isinstance(written, list) else [written]
        known = [role for role in Role if role.value in told]
        if not known:
            raise _refused(f"its claim `{name}` names none of the roles {', '.join(Role)}")
        return known[-1]

    def _text(self, claims: Mapping[str, object], name: str) -> str:
        written = claims.get(name)
        if not isinstance(written, str) or not 0 < len(written) <= LONGEST_NAME or not written.isprintable():
            raise _refused(f"its claim `{name}` is missing, or is no text of at most {LONGEST_NAME} characters")
        return written


def _head(token: str) -> tuple[str, str]:
    """The key that a token names ("": none), and its algorithm; nothing of it is believed yet."""
    if len(token) > LONGEST_TOKEN:
        raise _refused(f"it is longer than {LONGEST_TOKEN:,} characters")
    try:
        head = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise _refused(str(error)) from error
    kid, algorithm = head.get("kid", ""), head.get("alg")
    if algorithm not in ALGORITHMS:
        raise _refused(f"its algorithm is none of {', '.join(ALGORITHMS)}")
    return str(kid), str(algorithm)


def _refused(reason: str) -> Unauthenticated:
    return Unauthenticated(f"this token is not taken: {reason}")
