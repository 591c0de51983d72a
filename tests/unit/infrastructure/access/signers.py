"""An identity provider of the tests: real keys, and tokens that it signs."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

ISSUER, AUDIENCE = "https://login.example", "weft"


@cache
def private_key(algorithm: str, number: int = 0) -> Any:
    """The same one each time: making one of RSA takes a while."""
    match algorithm:
        case "RS256":
            return rsa.generate_private_key(65537, 2048)
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case _:
            return ed25519.Ed25519PrivateKey.generate()


@dataclass(frozen=True)
class Signer:
    kid: str = "k1"
    algorithm: str = "ES256"
    number: int = 0
    issuer: str = ISSUER
    head: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> Any:
        return private_key(self.algorithm, self.number)

    @property
    def jwk(self) -> dict[str, Any]:
        maker = jwt.get_algorithm_by_name(self.algorithm)
        return {**json.loads(maker.to_jwk(self.key.public_key())), "kid": self.kid, "alg": self.algorithm, "use": "sig"}

    @property
    def pem(self) -> bytes:
        found: bytes = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return found

    @property
    def private_pem(self) -> bytes:
        found: bytes = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return found

    def token(self, **claims: Any) -> str:
        """A claim that is None is left out."""
        now = time.time()
        said = {"iss": self.issuer, "aud": AUDIENCE, "sub": "ada", "tenant": "acme", "role": "operator", "iat": now, "exp": now + 600}
        told = {name: value for name, value in (said | claims).items() if value is not None}
        head = {**({"kid": self.kid} if self.kid else {}), **self.head}
        return jwt.encode(told, self.key, self.algorithm, headers=head)


def published(*signers: Signer) -> bytes:
    return json.dumps({"keys": [signer.jwk for signer in signers]}).encode()


def without_signature(token: str, head: Mapping[str, Any]) -> str:
    """The same claims under another head, signed by nobody."""
    return f"{encoded(head)}.{token.split('.')[1]}."


def encoded(part: Mapping[str, Any] | Sequence[Any]) -> str:
    return jwt.utils.base64url_encode(json.dumps(part).encode()).decode()
