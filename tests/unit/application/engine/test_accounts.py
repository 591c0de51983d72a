"""Who a line of the ledger says made its call, for whom, and when."""

from domain.acting import Acting
from domain.ids import DEFAULT_TENANT, SessionId
from domain.ports.nodes import Finished, NodeContext, Outcome
from domain.usage import Usage
from tests.documents import document
from tests.unit.application.engine.stage import Stage

CALL = {"kind": "call"}


async def test_a_line_says_for_whom_its_run_acts_and_when_its_call_was_reserved(stage: Stage) -> None:
    began = []

    async def slow(context: NodeContext) -> Outcome:
        began.append(stage.now())
        await stage.clock.sleep(5)
        return Finished(None, Usage("m", 4, 3, prompt="answer@3"))

    stage.does(a=slow)
    run = await stage.play(document({"a": CALL}, ["start > a"]), acting=Acting(SessionId("s"), "ada"))

    (line,) = await stage.store.usage.of_run(DEFAULT_TENANT, run.id)
    assert (line.node, line.session, line.user, line.usage.prompt) == ("a", "s", "ada", "answer@3")
    assert line.at == began[0]


async def test_a_run_outside_a_session_acts_for_nobody(stage: Stage) -> None:
    async def quick(context: NodeContext) -> Outcome:
        return Finished(None, Usage("m", 4, 3))

    stage.does(a=quick)
    run = await stage.play(document({"a": {"kind": "act"}}, ["start > a"]))

    (line,) = await stage.store.usage.of_run(DEFAULT_TENANT, run.id)
    assert (line.session, line.user, line.at) == ("", "", stage.now())
