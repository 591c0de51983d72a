"""A tool of effects `once` that is called by hand: an HTTP client that asks again does not do it again."""

from dataclasses import replace
from typing import Any

from application.access import KeyOrder, Role, local_admin
from domain.json import JsonObject
from domain.ports.tools import ToolContext
from domain.tool import Effects, Tool, ToolExecutionResult
from tests.fakes import TwoTools
from tests.integration.mcp_server.test_http import ACCEPT, called
from tests.integration.rest.service import Service, broken
from tests.toolbox import SameForAll

KEY = {"Idempotency-Key": "1"}


class Till(TwoTools):
    charges = 0

    async def call(self, name: str, arguments: JsonObject, context: ToolContext) -> ToolExecutionResult:
        self.charges += 1
        return ToolExecutionResult(f"charged {self.charges} times")

    def list(self) -> list[Tool]:
        return [replace(tool, effects=Effects.ONCE) for tool in super().list()]


def with_till(service: Service) -> Service:
    return broken(service, tools=replace(service.desk.tools, catalog=SameForAll(Till())))


async def test_a_post_that_is_sent_again_is_one_call_for_its_caller(service: Service) -> None:
    service = with_till(service)
    bob = await service.desk.create_key(local_admin("default"), KeyOrder(role=Role.OPERATOR, name="bob"))
    charge: dict[str, Any] = {"method": "POST", "path": "/v1/tools/echo/call", "headers": KEY}
    mine = [await service.call(**charge, json={"arguments": {"cents": 5}}) for _ in range(2)]
    his = await service.call(**charge, key=bob.key, json={"arguments": {"cents": 7}})
    other = await service.call(**charge, json={"arguments": {"cents": 6}})

    assert [answer.json()["output"] for answer in (*mine, his)] == ["charged 1 times", "charged 1 times", "charged 2 times"]
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


async def test_a_call_over_mcp_that_is_sent_again_is_one_call(service: Service) -> None:
    service = with_till(service)
    message = called("echo", cents=5)
    message["params"]["_meta"] = {"idempotency_key": "1"}
    answers = [await service.call("POST", "/mcp", json=message, headers=ACCEPT) for _ in range(2)]

    assert ["charged 1 times" in answer.text for answer in answers] == [True, True]
