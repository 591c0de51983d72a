"""An operator decides about a call whose outcome nobody knows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from application.access import Role
from domain.ids import ActivationPath, ThreadId
from domain.json import Json
from domain.run.events import EffectIntended, EffectResolved, EffectUnknown
from domain.run.run import RunStatus, Waiting
from domain.tool import Tool
from tests.fakes import TwoTools
from tests.integration.rest.service import Service, adder, broken
from tests.integration.rest.worker import HandWorker
from tests.toolbox import SameForAll

PAY = ActivationPath("/pay#1")
HAPPENED: dict[str, Any] = {"decision": "happened", "output": 4}
DID_NOT: dict[str, Any] = {"decision": "did_not_happen"}
FAILED: dict[str, Any] = {"decision": "failed", "reason": "refunded"}


class NumberTools(TwoTools):
    """`double` says that it returns a number."""

    def get(self, name: str) -> Tool:
        return replace(super().get(name), returns={"type": "number"})


@dataclass
class Unknown:
    """A run on which a worker works that is played by hand. It waits for a decision about the call announced at `intended_at`."""

    service: Service
    run: dict[str, Any]
    worker: HandWorker
    intended_at: int = 0

    async def park(self) -> None:
        await self.worker.append(EffectIntended(PAY, 0, "k", "double", {"number": 2}))
        lease = self.worker.claim.lease
        self.intended_at = await self.service.store.journal.end(lease.tenant, lease.thread)
        about: Mapping[str, Json] = {"tool": "double", "key": "k", "reason": "reset", "intended_at": self.intended_at}
        parked = replace(self.worker.run, status=RunStatus.PARKED, waiting_for=(Waiting(PAY, "needs_attention", about=about),))
        await self.worker.append(EffectUnknown(PAY, 0, "reset", 1.0), run=parked, release_at=1e10)

    async def claim(self) -> None:
        """A worker has it again."""
        self.worker = await self.service.worker()

    async def settle(self, decision: str, output: Json = None) -> None:
        running = replace(self.worker.run, status=RunStatus.RUNNING, waiting_for=())
        await self.worker.append(EffectResolved(PAY, 0, decision, "Ada", output), run=running)

    async def decide(self, key: str | None = None, **order: Any) -> httpx.Response:
        how: dict[str, Any] = {"json": {"activation": PAY, **order}}
        path = f"/v1/runs/{self.run['id']}/resolve"
        return await (self.service.call("POST", path, **how) if key is None else self.service.call("POST", path, key, **how))

    async def wishes(self) -> list[Any]:
        return [wish.body for wish in await self.service.store.inbox.waiting([ThreadId(self.run["thread_id"])])]


@pytest.fixture
async def unknown(service: Service) -> Unknown:
    await service.publish(adder())
    run = (await service.start({"workflow": "adder", "input": {"x": 1}})).json()
    worker = await service.worker()
    await worker.begin()
    found = Unknown(service, run, worker)
    await found.park()
    return found


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.value)
async def test_it_takes_an_operator(unknown: Unknown, role: Role) -> None:
    answer = await unknown.decide(await unknown.service.key_of("default", role), **DID_NOT)

    assert (answer.is_success, len(await unknown.wishes())) == ((True, 1) if role.includes(Role.OPERATOR) else (False, 0))


async def test_another_tenants_run_is_not_there(unknown: Unknown) -> None:
    answer = await unknown.decide(await unknown.service.key_of("other"), **DID_NOT)

    assert (problem(answer), await unknown.wishes()) == ((404, "run_not_found"), [])


@pytest.mark.parametrize("order", [HAPPENED, DID_NOT, FAILED], ids=lambda order: str(order["decision"]))
async def test_whoever_takes_the_run_is_told_what_was_decided_and_by_whom(unknown: Unknown, order: dict[str, Any]) -> None:
    answer = await unknown.decide(**order)

    common = {"activation": PAY, "output": None, "reason": "", "intended_at": unknown.intended_at, "by": "configured"}
    assert (answer.status_code, await unknown.wishes()) == (202, [{**common, **order}])


async def test_an_output_that_the_tool_would_not_return_is_refused(unknown: Unknown) -> None:
    strict = replace(unknown.service.desk.resolve_run, catalog=SameForAll(NumberTools()))
    unknown.service = broken(unknown.service, resolve_run=strict)
    answer = await unknown.decide(decision="happened", output="four")

    assert (answer.status_code, [found["pointer"] for found in answer.json()["problems"]]) == (422, ["/output"])
    assert await unknown.wishes() == []


@pytest.mark.parametrize(
    ("order", "pointer"),
    [
        pytest.param({"decision": "perhaps"}, "/decision", id="no decision"),
        pytest.param({}, "/decision", id="none at all"),
        pytest.param({"decision": "failed", "intended_at": "3"}, "/intended_at", id="a word for a position"),
        pytest.param({"decision": "failed", "who": "me"}, "/who", id="a member that is not known"),
    ],
)
async def test_what_says_no_decision_is_refused(unknown: Unknown, order: dict[str, Any], pointer: str) -> None:
    answer = await unknown.decide(**order)

    assert (answer.status_code, [found["pointer"] for found in answer.json()["problems"]]) == (422, [pointer])


async def test_a_run_that_waits_for_nobody_there_says_so(unknown: Unknown) -> None:
    answer = await unknown.decide(activation="/other#1", **DID_NOT)

    assert (problem(answer), await unknown.wishes()) == ((409, "illegal_transition"), [])
    assert "does not wait for a decision" in answer.json()["detail"]


async def a_wish(unknown: Unknown) -> None:
    """Nobody has taken it yet."""


async def a_claim(unknown: Unknown) -> None:
    """A worker has the run, and has not written it down yet."""
    await unknown.claim()
    await unknown.worker.append(run=replace(unknown.worker.run, status=RunStatus.RUNNING, waiting_for=()))


async def a_row(unknown: Unknown) -> None:
    await unknown.claim()
    await unknown.settle("happened", 4)


@pytest.mark.parametrize("stage", [a_wish, a_claim, a_row], ids=["as a wish", "with a worker", "as a row"])
async def test_a_decision_may_be_said_again_and_not_changed(unknown: Unknown, stage: Any) -> None:
    first = await unknown.decide(**HAPPENED)
    await stage(unknown)
    left = await unknown.wishes()
    again = await unknown.decide(**HAPPENED, reason="said twice")
    others = [await unknown.decide(**order) for order in (DID_NOT, FAILED, {**HAPPENED, "output": 5})]

    assert (first.status_code, again.status_code) == (202, 202)
    assert [problem(other) for other in others] == [(409, "illegal_transition")] * 3
    assert all("decided otherwise" in other.json()["detail"] for other in others)
    assert await unknown.wishes() == left


async def test_a_decision_about_one_call_is_none_about_the_next(unknown: Unknown) -> None:
    """It was called again, and its answer did not come again."""
    earlier = unknown.intended_at
    await unknown.decide(**DID_NOT, intended_at=earlier)
    await unknown.claim()
    await unknown.settle("did_not_happen")
    await unknown.park()
    again = await unknown.decide(**DID_NOT, intended_at=earlier)
    assert (again.status_code, len(await unknown.wishes())) == (202, 1)

    changed = await unknown.decide(**HAPPENED, intended_at=earlier)
    later = await unknown.decide(**HAPPENED, intended_at=unknown.intended_at)
    assert (problem(changed), later.status_code) == ((409, "illegal_transition"), 202)
    assert [wish["intended_at"] for wish in await unknown.wishes()] == [earlier, unknown.intended_at]


async def test_lists_say_what_a_run_waits_for(unknown: Unknown) -> None:
    await unknown.service.start({"workflow": "adder", "input": {"x": 1}})
    answer = await unknown.service.call("GET", "/v1/runs")

    assert [run["waits_for"] for run in answer.json()["items"]] == [[], ["needs_attention"]]
