"""Public keys as they are published: a JWKS document (RFC 7517), or PEM. What no allowed algorithm can use is passed over."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from domain.json import Json

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
MOST_KEYS: Final = 100
LEAST_RSA_BITS: Final = 2048
_PEM: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


class BadKeys(Exception):
    """Says what is wrong with a document of keys."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`algorithm`: the only one that it checks. `kid`: "" where it has no name."""

    kid: str
    algorithm: str
    key: PublicKey


def keys_in(document: bytes) -> Sequence[SigningKey]:
    """`BadKeys` when there is none that can be used, or one that is nobody else's business."""
    try:
        text = document.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadKeys(f"this is no text: {error}") from error
    found = list(_of_pem(text) if "-----BEGIN" in text else _of_jwks(text))
    if not found:
        raise BadKeys("there is no key for RS256, ES256 or EdDSA in it")
    if len(found) > MOST_KEYS:
        raise BadKeys(f"there are {len(found)} keys in it, and {MOST_KEYS} are the most")
    return found


def _of_pem(text: str) -> Iterator[SigningKey]:
    for block in _PEM.finditer(text):
        if "PRIVATE" in block[1]:
            raise BadKeys("there is a private key in it: give the public one, and keep the other where tokens are signed")
        try:
            yield from _usable("", load_pem_public_key(block[0].encode()), None)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise BadKeys(f"a PEM block is no public key: {error}") from error


def _of_jwks(text: str) -> Iterator[SigningKey]:
    try:
        written = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadKeys(f"this is neither PEM nor JSON: {error}") from error
    entries = written.get("keys") if isinstance(written, Mapping) else None
    if not isinstance(entries, list):
        raise BadKeys("a JWKS document is an object with a list `keys`")
    for entry in entries:
        yield from _of_jwk(entry)


def _of_jwk(entry: Json) -> Iterator[SigningKey]:
    if not isinstance(entry, Mapping) or entry.get("kty") not in ("RSA", "EC", "OKP") or entry.get("use", "sig") != "sig":
        return
    if "d" in entry:
        raise BadKeys("there is a private key in it: give the public one, and keep the other where tokens are signed")
    try:
        key = jwt.PyJWK(dict(entry)).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return  # of an algorithm or a curve that is none of ours
    yield from _usable(str(entry.get("kid", "")), key, entry.get("alg"))


def _usable(kid: str, key: object, named: Json) -> Iterator[SigningKey]:
    algorithm = ""
    match key:
        case RSAPublicKey() if key.key_size >= LEAST_RSA_BITS:
            algorithm = "RS256"
        case EllipticCurvePublicKey() if isinstance(key.curve, SECP256R1):
            algorithm = "ES256"
        case Ed25519PublicKey():
            algorithm = "EdDSA"
    if algorithm and named in (None, algorithm):
        assert isinstance(key, RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey)
        yield SigningKey(kid, algorithm, key)
