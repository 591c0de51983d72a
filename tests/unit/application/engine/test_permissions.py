"""What a run may call: what its workflow's version lets it, what the owner's policy says, and what somebody approves of."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from domain.access import Role
from domain.audit import AuditRecord, Deed
from domain.decision import Effect
from domain.ids import TenantId
from domain.json import JsonObject
from domain.policy import Policy
from domain.ports.tools import ToolContext
from domain.rules import Aspect, Rule, Rules
from domain.run.run import Run
from domain.tool import Effects, Tool, ToolMetadata, ToolType
from infrastructure.tools.catalog import TenantTools
from infrastructure.tools.runnable import RunnableTool
from tests.documents import Document, document
from tests.toolbox import SameForAll, tools_of
from tests.unit.application.engine.people import say, worked
from tests.unit.application.engine.stage import Stage

PAY = "/pay#1"


@dataclass
class Till:
    """A tool that counts its calls, behind the gate, and what was put on record."""

    stage: Stage
    effects: Effects = Effects.IDEMPOTENT
    happened: list[str] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)

    def under(self, *rules: Rule, missing: Effect = Effect.ALLOW) -> TenantTools:
        """From now on, also for programs that are still to be made."""
        tools = [
            RunnableTool(Tool(name, ToolType.NATIVE, {"type": "object"}, ToolMetadata(""), effects=self.effects), self._run)
            for name in "ab"
        ]
        found = tools_of(self.stage.clock, tools, Policy(Rules(rules), missing, "policy.yaml"), self)
        shelf = self.stage.engine.load.shelf
        shelf.catalog, shelf.workshop = SameForAll(found), replace(shelf.workshop, tools=found)
        return found

    async def _run(self, arguments: JsonObject, context: ToolContext) -> str:
        self.happened.append(f"called with {dict(arguments)}")
        return "paid"

    has_room = True

    def note(self, deed: Deed) -> None:
        self.deeds.append(deed)
        self.happened.append(deed.effect)

    async def record(self, deed: Deed) -> None:
        self.note(deed)

    async def read(self, tenant: TenantId, after: int, limit: int) -> Sequence[AuditRecord]:
        raise AssertionError("nobody reads it here")


@pytest.fixture
def till(stage: Stage) -> Till:
    return Till(stage)


def rule(name: str, effect: Effect, **of: Sequence[str]) -> Rule:
    return Rule(name, effect, {Aspect(aspect): tuple(entries) for aspect, entries in of.items()})


ASKING = rule("ask first", Effect.ASK, resources=["a"])


def paying(tool: str = "a", **more: Any) -> Document:
    nodes = {"pay": {"kind": "tool", "tool": tool, "arguments": {"n": 1}, "writes": {"said": "${output}"}}}
    return document(nodes, ["start > pay"], state={"said": {}}, **more)


def said(permissions: list[str] | None) -> dict[str, Any]:
    return {} if permissions is None else {"permissions": permissions}


def code_of(run: Run) -> str | None:
    return None if run.failure is None else run.failure.code


@pytest.mark.parametrize("effects", list(Effects), ids=lambda effects: str(effects.value))
async def test_a_call_stands_on_record_before_it_is_made(till: Till, effects: Effects) -> None:
    till.effects = effects
    till.under()
    await till.stage.play(paying())

    assert till.happened == ["allow", "called with {'n': 1}"]


@pytest.mark.parametrize("effects", list(Effects), ids=lambda effects: str(effects.value))
async def test_what_is_denied_stands_on_record_and_does_not_happen(till: Till, effects: Effects) -> None:
    till.effects = effects
    till.under(rule("never", Effect.DENY, resources=["a"]))
    run = await till.stage.play(paying())

    assert (code_of(run), till.happened) == ("forbidden", ["deny"])
    assert (till.deeds[0].rule, till.deeds[0].source, till.deeds[0].resource) == ("never", "policy.yaml", "a")


async def test_two_workflows_with_different_permissions_get_different_answers_side_by_side(till: Till) -> None:
    till.under()
    allowed, refused = paying(name="allowed", permissions=["a"]), paying(name="refused", permissions=["b"])
    runs = [await till.stage.order(one) for one in (allowed, refused) * 5]
    working = asyncio.create_task((worker := till.stage.worker()).run())
    ended = [await till.stage.ended(run) for run in runs]
    worker.stop()
    await working

    assert [code_of(run) for run in ended] == [None, "forbidden"] * 5
    assert till.happened.count("called with {'n': 1}") == 5


@pytest.mark.parametrize(
    ("parent", "child", "code"),
    [
        pytest.param(None, None, None, id="neither says anything"),
        pytest.param(["a"], None, None, id="the caller grants it"),
        pytest.param(["a"], ["a"], None, id="both grant it"),
        pytest.param(None, ["b"], "forbidden", id="the child's own list does not"),
        pytest.param(["b"], None, "forbidden", id="a child cannot do more than its caller, whatever it does not say"),
        pytest.param(["b"], ["a", "b"], "forbidden", id="nor whatever it says"),
        pytest.param([], None, "forbidden", id="an empty list lets nothing happen below"),
    ],
)
async def test_a_child_may_call_what_it_and_its_caller_may(
    till: Till, parent: list[str] | None, child: list[str] | None, code: str | None
) -> None:
    till.under()
    await till.stage.publish(paying(name="child", **said(child)))
    run = await till.stage.play(document({"c": {"kind": "workflow", "workflow": "child"}}, ["start > c"], **said(parent)))

    assert (code_of(run), len(till.happened)) == (code, 2 if code is None else 1)


async def test_the_items_of_a_map_may_call_what_its_workflow_may(till: Till) -> None:
    till.under()
    inner = {"nodes": paying()["nodes"], "edges": paying()["edges"], "state": {"said": {}}}
    each = {"kind": "map", "over": [1], "graph": inner}
    run = await till.stage.play(document({"each": each}, ["start > each"], permissions=["b"]))

    assert (code_of(run), till.happened) == ("forbidden", ["deny"])


@pytest.mark.parametrize("effects", list(Effects), ids=lambda effects: str(effects.value))
async def test_what_the_policy_asks_about_waits_for_somebody_and_then_happens_once(till: Till, effects: Effects) -> None:
    till.effects = effects
    till.under(ASKING)
    run = await till.stage.play(paying())
    (waiting,) = run.waiting_for
    assert (run.status, waiting.kind, waiting.activation, till.happened) == ("parked", "human", PAY, ["ask"])
    assert waiting.about is not None
    assert waiting.about["show"]["arguments"] == {"n": 1}  # type: ignore[index, call-overload]

    await say(till.stage, run.id, {"approved": True}, PAY)
    ended = await worked(till.stage, run.id)
    assert (ended.status, ended.output) == ("completed", {"said": "paid"})
    assert till.happened == ["ask", "allow", "called with {'n': 1}"]
    assert (till.deeds[1].rule, till.deeds[1].about["approved_by"]) == ("approved by local", "local")


async def test_what_is_not_approved_does_not_happen(till: Till) -> None:
    till.under(ASKING)
    run = await till.stage.play(paying())
    await say(till.stage, run.id, {"approved": False}, PAY)

    assert (code_of(await worked(till.stage, run.id)), till.happened) == ("not_approved", ["ask"])


async def test_an_approval_does_not_open_what_somebody_else_forbids(till: Till) -> None:
    till.under(ASKING)
    run = await till.stage.play(paying())
    till.under(ASKING, rule("never", Effect.DENY, resources=["a"]))
    till.stage.engine.load.shelf._kept.clear()
    await say(till.stage, run.id, {"approved": True}, PAY)

    assert (code_of(await worked(till.stage, run.id)), till.happened) == ("forbidden", ["ask", "deny"])


async def test_nobody_is_asked_about_what_the_policy_allows(till: Till) -> None:
    till.under(ASKING)
    run = await till.stage.play(paying("b"))

    assert (run.status, till.happened) == ("completed", ["allow", "called with {'n': 1}"])


async def test_a_node_that_asks_by_itself_asks_whatever_the_policy_says(till: Till) -> None:
    till.under(rule("always", Effect.ALLOW))
    asking = paying()
    asking["nodes"]["pay"]["approval"] = {}
    run = await till.stage.play(asking)

    assert (run.status, till.happened) == ("parked", [])


async def test_a_call_announced_before_the_policy_asked_is_only_asked_about_its_outcome(till: Till) -> None:
    till.effects = Effects.ONCE
    till.under()
    run = await till.stage.order(paying())
    drive = await till.stage.open()
    while not drive.announced:
        await till.stage.engine._keep(drive)
        _step(drive)
    await till.stage.engine._keep(drive)
    till.under(ASKING)
    till.stage.engine.load.shelf._kept.clear()
    await till.stage.clock.sleep(31.0)
    await till.stage.engine.drive(await till.stage.open())

    (waiting,) = (await till.stage.run(run)).waiting_for
    assert (waiting.kind, till.happened) == ("needs_attention", [])


async def test_by_hand_nobody_can_be_asked(till: Till) -> None:
    tools = till.under(ASKING)
    answer = await tools.call("a", {}, ToolContext(TenantId("t"), "key", caller="ada", role=Role.OPERATOR))

    assert answer.error is not None
    assert (answer.error.code, till.happened) == ("approval_needed", ["ask"])


async def test_by_hand_a_role_must_let_it_too(till: Till) -> None:
    tools = till.under(rule("always", Effect.ALLOW))
    answer = await tools.call("a", {}, ToolContext(TenantId("t"), "key", caller="ada", role=Role.VIEWER))

    assert answer.error is not None
    assert (answer.error.code, till.happened, till.deeds[0].source) == ("forbidden", ["deny"], "role viewer")


def _step(drive: Any) -> None:
    from application.deriving import derive
    from application.executing import start

    derive(drive)
    start(drive)
