"""Who looks after servers of MCP: the owner of the installation, whatever other tenants there are."""

from typing import Any

import pytest

from application.access import Role
from domain.ids import DEFAULT_TENANT
from tests.integration.rest.service import Service

APPROVE = {"tools": {"echo": "0" * 64}}
ROUTES = [
    pytest.param("GET", "/v1/tool-servers", None, Role.OPERATOR, 200, id="look at them"),
    pytest.param("POST", "/v1/tool-servers/git/approve", APPROVE, Role.ADMIN, 404, id="approve of tools"),
    pytest.param("POST", "/v1/tool-servers/git/forget", {"tools": ["echo"]}, Role.ADMIN, 404, id="forget tools"),
]


@pytest.mark.parametrize("tenant", [DEFAULT_TENANT, "others"])
@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.value)
@pytest.mark.parametrize(("method", "path", "body", "needed", "status"), ROUTES)
async def test_only_the_owners_tenant_looks_after_servers(
    service: Service, method: str, path: str, body: Any, needed: Role, status: int, role: Role, tenant: str
) -> None:
    key = await service.key_of(tenant, role)

    answer = await service.call(method, path, key, **({} if body is None else {"json": body}))

    may = role.includes(needed) and tenant == DEFAULT_TENANT
    assert answer.status_code == (status if may else 403), answer.text
    assert answer.status_code != 404 or answer.json()["code"] == "tool_server_not_found"


@pytest.mark.parametrize(
    "order", [{}, {"tools": {}}, {"tools": {"echo": "short"}}, {"tools": ["echo"]}], ids=["nothing", "no tools", "no digest", "a list"]
)
async def test_an_approval_says_what_was_looked_at(service: Service, order: dict[str, Any]) -> None:
    answer = await service.call("POST", "/v1/tool-servers/git/approve", await service.key_of(DEFAULT_TENANT, Role.ADMIN), json=order)

    assert answer.status_code == 422
