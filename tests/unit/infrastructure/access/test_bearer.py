"""Tokens of an identity provider: whose they are, and all that is taken for none."""

import asyncio
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest

from application.access import Authenticate, digest_of
from domain.access import LOCAL_ADMIN, Principal, Role
from domain.errors import TokenKeysUnavailable, Unauthenticated
from domain.ids import TenantId
from infrastructure.access.bearer import ALGORITHMS, BearerTokens, TokenRules
from infrastructure.access.key_documents import BadKeys, keys_in
from infrastructure.access.signing_keys import FRESH_SECONDS, KEPT_SECONDS, PAUSE_SECONDS, SigningKeys, from_url
from infrastructure.clock import SystemClock
from infrastructure.outgoing.addresses import Addresses, Allowed
from infrastructure.outgoing.door import Door
from infrastructure.store.memory.open import open_memory
from tests.servers.speaker import answer, speaking
from tests.unit.infrastructure.access.signers import AUDIENCE, ISSUER, Signer, encoded, published, without_signature

RULES = TokenRules(ISSUER, AUDIENCE)
OURS = Signer()


class Publisher:
    """What the provider shows at its address, and how often somebody looked."""

    def __init__(self, *signers: Signer) -> None:
        self.shown: bytes | OSError = published(*signers)
        self.looks = 0
        self.seconds = 0.0

    async def __call__(self) -> bytes:
        self.looks += 1
        if isinstance(self.shown, OSError):
            raise self.shown
        return self.shown

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> Any:
        raise AssertionError("keys are as old as the machine has been running")

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits")


def tokens_of(publisher: Publisher, rules: TokenRules = RULES) -> BearerTokens:
    return BearerTokens(rules, SigningKeys(publisher, publisher))


async def holder(token: str, *signers: Signer) -> Principal:
    return await tokens_of(Publisher(*(signers or (OURS,)))).principal_of(token)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_token_says_who_asks_for_whom_and_as_what(algorithm: str) -> None:
    signer = Signer(algorithm=algorithm)

    assert await holder(signer.token(), signer) == Principal(TenantId("acme"), Role.OPERATOR, "token:ada")


async def test_claims_of_other_names_can_say_it() -> None:
    rules = TokenRules(ISSUER, AUDIENCE, "https://weft/org", "roles")
    token = OURS.token(tenant=None, role=None, **{"https://weft/org": "acme", "roles": ["viewer", "somebody", "author"]})

    assert await tokens_of(Publisher(OURS), rules).principal_of(token) == Principal(TenantId("acme"), Role.AUTHOR, "token:ada")


NOW = time.time()


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        pytest.param({"iss": "https://elsewhere"}, "issuer", id="of another issuer"),
        pytest.param({"iss": None}, "iss", id="of no issuer"),
        pytest.param({"aud": "another"}, "[Aa]udience", id="for another service"),
        pytest.param({"aud": None}, "aud", id="for no service"),
        pytest.param({"exp": NOW - 61}, "expired", id="out of date"),
        pytest.param({"exp": None}, "exp", id="without an end"),
        pytest.param({"exp": "soon"}, "exp", id="with an end that is none"),
        pytest.param({"nbf": NOW + 600}, "not yet", id="not good yet"),
        pytest.param({"sub": None}, "sub", id="of nobody"),
        pytest.param({"sub": ""}, "sub", id="of an empty name"),
        pytest.param({"sub": "a\nb"}, "sub", id="of a name with a line in it"),
        pytest.param({"sub": "a" * 201}, "sub", id="of a name that never ends"),
        pytest.param({"tenant": None}, "tenant", id="without a tenant"),
        pytest.param({"tenant": ["acme"]}, "tenant", id="with a list for a tenant"),
        pytest.param({"role": None}, "viewer, operator, author, admin", id="without a role"),
        pytest.param({"role": "root"}, "viewer, operator, author, admin", id="with a role that there is not"),
        pytest.param({"role": []}, "viewer, operator, author, admin", id="with no role in its list"),
        pytest.param({"role": {"admin": True}}, "viewer, operator, author, admin", id="with a role that is an object"),
        pytest.param({"role": "ADMIN"}, "viewer, operator, author, admin", id="with a role in other letters"),
    ],
)
async def test_a_token_with_something_wrong_in_it_is_not_taken(claims: dict[str, Any], why: str) -> None:
    with pytest.raises(Unauthenticated, match=why):
        await holder(OURS.token(**claims))


@pytest.mark.parametrize("sub", ["local", "configured", "run 018f", "a key's name"])
async def test_the_name_of_a_holder_is_nobody_elses(sub: str) -> None:
    assert (await holder(OURS.token(sub=sub))).name == f"token:{sub}"


async def test_clocks_may_be_a_minute_apart() -> None:
    assert (await holder(OURS.token(exp=time.time() - 50, nbf=time.time() + 50))).name == "token:ada"


def _tampered(token: str) -> str:
    head, body, signature = token.split(".")
    claims = json.loads(jwt.utils.base64url_decode(body))
    return f"{head}.{encoded(claims | {'role': 'admin'})}.{signature}"


def _signed_with_the_public_key(signer: Signer) -> str:
    """The oldest trick: what checks is no secret, and HMAC signs with what checks."""
    body = signer.token().split(".")[1]
    said = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': signer.kid})}.{body}"
    signature = hmac.digest(signer.pem, said.encode(), hashlib.sha256)
    return f"{said}.{jwt.utils.base64url_encode(signature).decode()}"


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(without_signature(OURS.token(), {"alg": "none"}), id="alg none"),
        pytest.param(without_signature(OURS.token(), {"alg": "None", "kid": "k1"}), id="alg none in other letters"),
        pytest.param(without_signature(OURS.token(), {"alg": "ES256", "kid": "k1"}), id="no signature"),
        pytest.param(_signed_with_the_public_key(OURS), id="HS256 with the public key"),
        pytest.param(_tampered(OURS.token()), id="claims that were changed"),
        pytest.param(Signer(number=1).token(), id="another key under the same name"),
        pytest.param(Signer(kid="k2", number=1).token(), id="a key that was never published"),
        pytest.param(Signer(kid="", number=1).token(), id="no name and another key"),
        pytest.param(Signer(algorithm="EdDSA").token(), id="another algorithm under the same name"),
        pytest.param(Signer(number=1, head={"jwk": Signer(number=1).jwk}).token(), id="a key that it brings along"),
        pytest.param(Signer(head={"crit": ["b65"]}).token(), id="an extension that must be understood"),
        pytest.param("a.b.c", id="no token"),
        pytest.param("..", id="nothing"),
        pytest.param(OURS.token(fill="x" * 20_000), id="too long"),
        pytest.param(f"{encoded(['alg'])}.e30.e30", id="a head that is a list"),
        pytest.param(f"{encoded({'alg': ['ES256']})}.e30.e30", id="an algorithm that is a list"),
        pytest.param("ü.ü.ü", id="no letters of a token"),
    ],
)
async def test_what_the_provider_has_not_signed_is_not_taken(token: str) -> None:
    with pytest.raises(Unauthenticated, match="this token is not taken"):
        await holder(token)


async def test_nobody_looks_for_the_key_of_a_token_that_is_none() -> None:
    publisher = Publisher(OURS)
    for token in ("a.b.c", without_signature(OURS.token(), {"alg": "none"}), _signed_with_the_public_key(OURS)):
        with pytest.raises(Unauthenticated):
            await tokens_of(publisher).principal_of(token)

    assert publisher.looks == 0


async def test_keys_change_without_anybody_being_told() -> None:
    publisher, new = Publisher(OURS), Signer("k2", "EdDSA", 1)
    tokens = tokens_of(publisher)
    await tokens.principal_of(OURS.token())
    publisher.shown, publisher.seconds = published(OURS, new), PAUSE_SECONDS

    assert (await tokens.principal_of(new.token())).name == "token:ada"
    assert publisher.looks == 2


async def test_unknown_names_lead_to_one_look_a_minute() -> None:
    publisher = Publisher(OURS)
    tokens = tokens_of(publisher)
    for second in range(180):
        publisher.seconds = float(second)
        with pytest.raises(Unauthenticated):
            await tokens.principal_of(Signer(f"unknown-{second}").token())

    assert publisher.looks == 3


async def test_a_key_that_is_withdrawn_opens_nothing_any_more() -> None:
    publisher = Publisher(OURS)
    tokens = tokens_of(publisher)
    await tokens.principal_of(OURS.token())
    publisher.shown, publisher.seconds = published(Signer("k2", number=1)), FRESH_SECONDS + 1

    with pytest.raises(Unauthenticated):
        await tokens.principal_of(OURS.token())


async def test_keys_that_cannot_be_had_again_are_used_for_a_day() -> None:
    publisher = Publisher(OURS)
    tokens = tokens_of(publisher)
    await tokens.principal_of(OURS.token())
    publisher.shown, publisher.seconds = OSError("away"), KEPT_SECONDS

    assert (await tokens.principal_of(OURS.token())).name == "token:ada"
    publisher.seconds += 1
    with pytest.raises(TokenKeysUnavailable):
        await tokens.principal_of(OURS.token())


async def test_without_any_keys_nobody_can_say_whose_a_token_is() -> None:
    publisher = Publisher()
    publisher.shown = OSError("away")
    tokens = tokens_of(publisher)
    with pytest.raises(TokenKeysUnavailable, match="WEFT_JWT_KEYS"):
        await tokens.principal_of(OURS.token())

    publisher.shown, publisher.seconds = published(OURS), PAUSE_SECONDS
    assert (await tokens.principal_of(OURS.token())).name == "token:ada"


async def test_keys_come_from_an_address_through_the_door() -> None:
    async with speaking() as provider:
        provider.said = answer(published(OURS), Content_Type="application/json")
        door = Door(Addresses(Allowed(names=(provider.place,))))
        tokens = BearerTokens(RULES, SigningKeys(from_url(f"{provider.url}/jwks", door), SystemClock()))

        assert [(await tokens.principal_of(OURS.token())).name for _ in range(3)] == ["token:ada"] * 3
        assert [heard.target for heard in provider.heard] == ["/jwks"]


@pytest.mark.parametrize(
    ("said", "names"),
    [
        pytest.param(answer(published(OURS)), False, id="an address that is not public and not named"),
        pytest.param(answer(published(OURS), 404), True, id="an answer that is none"),
        pytest.param(answer(b"<html>"), True, id="a page"),
        pytest.param(answer(b'{"keys": []}'), True, id="no keys"),
        pytest.param(answer(b" " * (1024 * 1024 + 1) + published(OURS)), True, id="more than anybody's keys"),
    ],
)
async def test_an_address_that_gives_no_keys_opens_nothing(said: bytes, names: bool) -> None:
    async with speaking() as provider:
        provider.said = said
        door = Door(Addresses(Allowed(names=(provider.place,) if names else ())))
        tokens = BearerTokens(RULES, SigningKeys(from_url(provider.url, door), SystemClock()))
        with pytest.raises(TokenKeysUnavailable):
            await tokens.principal_of(OURS.token())

        assert len(provider.heard) == (1 if names else 0)


async def test_keys_without_names_are_all_tried() -> None:
    first, second = Signer("", number=1), Signer("", number=2)
    publisher = Publisher()
    publisher.shown = first.pem + second.pem

    assert [(await tokens_of(publisher).principal_of(one.token())).name for one in (first, second)] == ["token:ada"] * 2
    assert (await tokens_of(publisher).principal_of(Signer("named", number=2).token())).name == "token:ada"


@pytest.mark.parametrize(
    ("document", "why"),
    [
        pytest.param(b"", "neither PEM nor JSON", id="nothing"),
        pytest.param(b"[]", "a list `keys`", id="a list"),
        pytest.param(b"\xff\xfe", "no text", id="bytes"),
        pytest.param(OURS.private_pem, "private key", id="a private key as PEM"),
        pytest.param(json.dumps({"keys": [OURS.jwk | {"d": "AQ"}]}).encode(), "private key", id="a private key as JWK"),
        pytest.param(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no public key", id="PEM of nothing"),
        pytest.param(json.dumps({"keys": [{"kty": "oct", "k": "AAAA"}]}).encode(), "no key for", id="a shared secret"),
        pytest.param(json.dumps({"keys": [OURS.jwk | {"use": "enc"}]}).encode(), "no key for", id="a key for something else"),
        pytest.param(json.dumps({"keys": [OURS.jwk | {"alg": "ES384"}]}).encode(), "no key for", id="a key of another algorithm"),
        pytest.param(json.dumps({"keys": [OURS.jwk | {"x": "AA"}, 1, None]}).encode(), "no key for", id="broken keys"),
        pytest.param(published(*([OURS] * 101)), "101 keys", id="too many keys"),
    ],
)
def test_a_document_without_keys_for_tokens_says_so(document: bytes, why: str) -> None:
    with pytest.raises(BadKeys, match=why):
        keys_in(document)


async def test_a_token_opens_what_a_key_opens_and_never_stands_for_one() -> None:
    async with open_memory(clock=SystemClock()) as store:
        authenticate = Authenticate(store.keys, (digest_of("a.b.c"),), tokens=tokens_of(Publisher(OURS)))

        assert await authenticate(OURS.token(role="viewer")) == Principal(TenantId("acme"), Role.VIEWER, "token:ada")
        assert (await authenticate("a.b.c")).role is Role.ADMIN
        for wrong in ("weft_a.b.c", "no-token"):
            with pytest.raises(Unauthenticated, match="this key is not known"):
                await authenticate(wrong)
        with pytest.raises(Unauthenticated, match="this token is not taken"):
            await authenticate(OURS.token(exp=1))
        with pytest.raises(Unauthenticated):
            await authenticate(None)


async def test_without_a_provider_a_token_is_an_unknown_key() -> None:
    async with open_memory(clock=SystemClock()) as store:
        with pytest.raises(Unauthenticated, match="not known"):
            await Authenticate(store.keys)(OURS.token())
        assert await Authenticate(store.keys, keyless=True)(None) == LOCAL_ADMIN


async def test_many_who_come_at_once_share_one_look() -> None:
    publisher, opened = Publisher(OURS), asyncio.Event()

    async def slowly() -> bytes:
        await opened.wait()
        return await publisher()

    tokens = BearerTokens(RULES, SigningKeys(slowly, publisher))
    asking = [asyncio.create_task(tokens.principal_of(OURS.token())) for _ in range(20)]
    await asyncio.sleep(0)
    opened.set()

    assert {who.name for who in await asyncio.gather(*asking)} == {"token:ada"}
    assert publisher.looks == 1


async def test_while_somebody_looks_known_keys_open_as_before() -> None:
    publisher, opened = Publisher(OURS), asyncio.Event()
    opened.set()

    async def slowly() -> bytes:
        await opened.wait()
        return await publisher()

    tokens = BearerTokens(RULES, SigningKeys(slowly, publisher))
    await tokens.principal_of(OURS.token())
    opened.clear()
    publisher.seconds = FRESH_SECONDS + 1
    looking = asyncio.create_task(tokens.principal_of(Signer("k2", number=1).token()))
    await asyncio.sleep(0)

    async with asyncio.timeout(5):
        assert (await tokens.principal_of(OURS.token())).name == "token:ada"
    assert not looking.done()
    opened.set()
    with pytest.raises(Unauthenticated):
        await looking
