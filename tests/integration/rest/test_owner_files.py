"""What the owner's files say holds in a whole process: a policy, and the keys of an identity provider."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from application.access import LOCAL_ADMIN
from application.explaining import PolicyQuestion
from application.session_orders import SessionOrder
from bootstrap import open_app
from domain.errors import FactoryError, ValidationError
from domain.json import JsonObject
from settings import Settings
from tests.unit.infrastructure.access.signers import AUDIENCE, ISSUER, Signer, published

OURS = Signer()
POLICY = """
policy: 1
rules:
  - {id: no sums, effect: deny, resources: [calculator]}
  - {effect: ask, resources: [datetime], match: [datetime]}
"""
SUM = {"arguments": {"expression": "1+1"}}


@asynccontextmanager
async def service(**settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with open_app(Settings(database_url="memory:", metrics=False, **settings)) as app:
        transport = httpx.ASGITransport(app.rest(asyncio.Event()))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client


def trusting(keys: Path) -> dict[str, str]:
    return {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_keys": str(keys)}


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_policy_decides_about_every_call(tmp_path: Path) -> None:
    (file := tmp_path / "policy.yaml").write_text(POLICY)
    async with service(policy=file) as client:
        denied = (await client.post("/v1/tools/calculator/call", json=SUM)).json()
        asked = (await client.post("/v1/tools/datetime/call", json={"arguments": {}})).json()
        allowed = (await client.post("/v1/tools/json_query/call", json={"arguments": {"data": {"a": 1}, "query": "a"}})).json()

    assert (denied["error"]["code"], asked["error"]["code"]) == ("forbidden", "approval_needed")
    assert "no sums (policy.yaml)" in denied["error"]["message"]
    assert allowed["success"] is True


async def test_without_a_policy_a_fresh_installation_calls_its_tools() -> None:
    async with service() as client:
        assert (await client.post("/v1/tools/calculator/call", json=SUM)).json()["output"]["result"] == 2


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("policy: 1\nrules: [{effect: deny, match: [x], resources: [y]}]", ValidationError, id="an example that fails"),
        pytest.param("rules: [", FactoryError, id="no YAML"),
    ],
)
async def test_a_bad_policy_stops_the_start(tmp_path: Path, text: str, error: type[Exception]) -> None:
    (file := tmp_path / "policy.yaml").write_text(text)
    with pytest.raises(error, match=r"policy\.yaml"):
        async with service(policy=file):
            pass


PAYING: JsonObject = {
    "weft": 1,
    "name": "paying",
    "version": "1.0.0",
    "permissions": ["datetime"],
    "nodes": {},
    "edges": [{"from": "start", "to": "end"}],
}


async def test_a_decision_is_explained_by_every_link_of_its_chain(tmp_path: Path) -> None:
    (file := tmp_path / "policy.yaml").write_text("policy: 1\nrules: [{id: world, effect: ask, effects: [once, idempotent]}]")
    async with open_app(Settings(database_url="memory:", metrics=False, policy=file)) as app:
        await app.desk.publish_workflow(LOCAL_ADMIN, PAYING)
        session = await app.desk.sessions.open(LOCAL_ADMIN, SessionOrder(user_id="ada", permissions=["calc*"]))
        ask = partial(app.desk.policy.check, LOCAL_ADMIN)
        denied = await ask(PolicyQuestion(tool="calculator", session=session.id, workflow="paying"))
        asked, unknown = await ask(PolicyQuestion(tool="remember")), await ask(PolicyQuestion(tool="none"))

    assert [(one.link, one.effect) for one in denied.links] == [
        ("policy.yaml", "allow"),
        (f"session {session.id}", "allow"),
        ("workflow paying@1.0.0", "deny"),
    ]
    assert (denied.effect, denied.missing) == ("deny", ["workflow paying@1.0.0"])
    assert (asked.effect, asked.rule, asked.tool_known) == ("ask", "world", True)
    assert (unknown.effect, unknown.tool_known) == ("allow", False)


async def test_a_token_opens_the_service_as_far_as_its_role_goes_and_nothing_opens_without(tmp_path: Path) -> None:
    (keys := tmp_path / "keys.json").write_bytes(published(OURS))
    async with service(**trusting(keys)) as client:
        answers = {
            name: (await client.post("/v1/tools/calculator/call", json=SUM, headers=head)).status_code
            for name, head in {
                "operator": bearing(OURS.token()),
                "viewer": bearing(OURS.token(role="viewer")),
                "another's": bearing(Signer(number=1).token()),
                "nobody": {},
            }.items()
        }
        refused = await client.get("/v1/runs", headers=bearing(OURS.token(tenant=None)))

    assert answers == {"operator": 200, "viewer": 403, "another's": 401, "nobody": 401}
    assert (refused.json()["code"], "`tenant`" in refused.json()["detail"]) == ("unauthenticated", True)


async def test_tokens_of_one_holder_are_counted_together(tmp_path: Path) -> None:
    (keys := tmp_path / "keys.pem").write_bytes(OURS.pem)
    async with service(**trusting(keys), requests_per_minute=2) as client:
        asked = [await client.get("/v1/runs", headers=bearing(OURS.token(jti=str(number)))) for number in range(3)]
        another = await client.get("/v1/runs", headers=bearing(OURS.token(sub="bob")))

    assert [one.status_code for one in [*asked, another]] == [200, 200, 429, 200]


async def test_keys_that_cannot_be_read_stop_the_start(tmp_path: Path) -> None:
    (keys := tmp_path / "keys.pem").write_bytes(OURS.private_pem)
    with pytest.raises(FactoryError, match=r"WEFT_JWT_KEYS: .*keys\.pem: there is a private key in it"):
        async with service(**trusting(keys)):
            pass


async def test_keys_that_change_in_their_file_are_found(tmp_path: Path) -> None:
    (keys := tmp_path / "keys.json").write_bytes(published(OURS))
    async with service(**trusting(keys)) as client:
        keys.write_bytes(published(OURS, new := Signer("k2", number=1)))

        assert (await client.get("/v1/runs", headers=bearing(new.token()))).status_code == 200
