"""The examples are sound, the offline model answers them sensibly, and their pictures are those that Weft draws today."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from application.access import LOCAL_ADMIN
from application.answering import AnswerOrder
from application.controlling import SignalOrder
from application.run_orders import RunOrder
from application.run_views import EndView, EventView, RunView
from application.threads import ThreadOrder
from bootstrap import open_app
from interface.yaml import load_document
from settings import OFFLINE_ALIASES, Settings, read_settings
from tools.pictures import EXAMPLES, PICTURES, drawn

FILES = sorted(EXAMPLES.glob("*.yaml"))


def offline() -> Settings:
    return read_settings(database_url="memory:", models=OFFLINE_ALIASES, log="warning")


def document_of(file: Path) -> dict[str, Any]:
    found = load_document(file.read_bytes(), file.suffix).document
    assert isinstance(found, dict)
    return found


async def ended(document: dict[str, Any], given: dict[str, Any]) -> tuple[RunView, dict[str, Any]]:
    """The run and its output."""
    async with open_app(offline()) as app:
        working = asyncio.create_task(app.worker.run())
        started = await app.desk.start_run(LOCAL_ADMIN, RunOrder(workflow=document, input=given))
        run, is_over = await app.desk.wait_for_run(LOCAL_ADMIN, started.view.id, 60.0)
        app.worker.stop()
        await working
    assert is_over
    assert isinstance(run.output, dict), run.error
    return run, run.output


def example(name: str) -> dict[str, Any]:
    return document_of(EXAMPLES / f"{name}.yaml")


def given(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / "data" / f"{name}.json").read_text())
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_an_example_has_no_problem_and_no_warning(file: Path) -> None:
    async with open_app(offline()) as app:
        found = await app.desk.validate_workflow(LOCAL_ADMIN, document_of(file))

    assert (found.problems, found.warnings) == ([], [])


def test_the_pictures_are_up_to_date() -> None:
    pictures = dict(drawn())

    assert {path.stem for path in PICTURES.glob("*.svg")} >= {file.stem for file in FILES}
    assert [path.name for path, text in pictures.items() if path.read_text() != text] == [], "draw them again: python -m tools.pictures"


def test_every_example_is_explained() -> None:
    page = (EXAMPLES / "README.md").read_text()

    assert [file.name for file in FILES if f"weft run examples/{file.name}" not in page] == []


async def test_a_ticket_about_a_bug_is_answered_from_the_help_centre() -> None:
    run, output = await ended(example("support_triage"), given("ticket"))

    assert (output["label"], output["handed_over"]) == ("bug", False)
    assert output["sources"][0] == "deploy-01"
    assert "BUILD_MEMORY" in output["reply"]
    assert run.usage.calls == 2
    assert float(run.cost.amount) > 0


async def test_a_ticket_about_money_is_looked_up_where_money_is_spoken_of() -> None:
    _, output = await ended(example("support_triage"), given("ticket_billing"))

    assert output["label"] == "billing"
    assert output["sources"]
    assert all(source.startswith("billing-") for source in output["sources"])
    assert "refund" in output["reply"]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(
            {"ticket": {"id": "T-1", "subject": "Greetings", "body": "A friendly hello from the neighbours."}}, id="no label fits"
        ),
        pytest.param({"documents": []}, id="nothing is found"),
    ],
)
async def test_a_ticket_that_cannot_be_answered_goes_to_a_person(changes: dict[str, Any]) -> None:
    _, output = await ended(example("support_triage"), {**given("ticket"), **changes})

    assert output["handed_over"] is True
    assert output["ticket"] in output["reply"]


async def test_a_digest_has_a_summary_of_every_chapter_in_order() -> None:
    book = given("chapters")
    run, output = await ended(example("document_digest"), book)

    assert [chapter["title"] for chapter in output["chapters"]] == [chapter["title"] for chapter in book["chapters"]]
    assert all(len(chapter["summary"]) > 100 for chapter in output["chapters"])
    assert len(output["digest"]) > 200
    assert run.usage.calls == len(book["chapters"]) + 1


async def test_a_draft_goes_back_until_the_critic_approves() -> None:
    run, output = await ended(example("draft_and_critique"), given("draft"))

    assert (output["approved"], output["rounds"]) == (True, 3)
    assert [verdict.split(":")[0] for verdict in output["verdicts"]] == ["REVISE", "REVISE", "APPROVED"]
    assert run.usage.calls == 6


async def test_a_draft_goes_back_at_most_three_times() -> None:
    document = example("draft_and_critique")
    document["nodes"]["critique"]["options"] = {"otherwise": "REVISE: I am never content."}
    run, output = await ended(document, given("draft"))

    assert (run.status, output["approved"], output["rounds"]) == ("completed", False, 4)


@pytest.mark.parametrize(("signal", "outcome"), [("approved", "sent"), ("rejected", "discarded"), (None, "nobody decided in time")])
async def test_a_letter_goes_out_when_somebody_approves_it_in_time(signal: str | None, outcome: str) -> None:
    async with open_app(offline()) as app:
        working = asyncio.create_task(app.worker.run())
        patience = {"patience": 0.01} if signal is None else {}
        order = RunOrder(workflow=example("approval_by_signal"), input={"request": "May I move it?", **patience})
        started = await app.desk.start_run(LOCAL_ADMIN, order)
        run, _ = await app.desk.wait_for_run(LOCAL_ADMIN, started.view.id, 60.0)
        if signal is not None:
            assert [waiting.kind for waiting in run.waiting_for] == ["signal"]
            await app.desk.control.signal(LOCAL_ADMIN, run.id, signal, SignalOrder(payload={"by": "Ada"}))
            async with asyncio.timeout(60):
                await anext(item async for item in await app.desk.follow_run(LOCAL_ADMIN, run.id) if isinstance(item, EndView))
            run = await app.desk.get_run(LOCAL_ADMIN, run.id)
        app.worker.stop()
        await working

    assert isinstance(run.output, dict)
    assert run.output["outcome"] == outcome


@pytest.mark.parametrize(
    ("review", "approval", "outcome", "total"),
    [
        pytest.param({"send": True, "letter": "Yes."}, {"approved": True}, "sent", 14.875, id="mended and approved"),
        pytest.param({"send": True}, {"approved": True, "arguments": {"expression": "1 + 1"}}, "sent", 2, id="approved and changed"),
        pytest.param({"send": True}, {"approved": False}, "sent without a fee: not_approved", 0.0, id="not approved"),
        pytest.param({"send": False}, None, "discarded", 0.0, id="discarded"),
    ],
)
async def test_a_letter_is_read_and_a_call_approved_by_people(review: Any, approval: Any, outcome: str, total: float) -> None:
    async with open_app(offline()) as app:
        working = asyncio.create_task(app.worker.run())
        order = RunOrder(workflow=example("approval"), input={"request": "May I move it?"})
        run = (await app.desk.start_run(LOCAL_ADMIN, order)).view
        answers = {"/review#1": review, "/charge#1": approval}
        async with asyncio.timeout(60):
            async for item in await app.desk.follow_run(LOCAL_ADMIN, run.id):
                if isinstance(item, EventView) and item.type == "node_parked":
                    activation = item.model_dump()["activation"]
                    await app.desk.answer_run(LOCAL_ADMIN, run.id, AnswerOrder(activation=activation, answer=answers[activation]))
        run = await app.desk.get_run(LOCAL_ADMIN, run.id)
        app.worker.stop()
        await working

    assert isinstance(run.output, dict)
    assert (run.output["outcome"], run.output["total"]) == (outcome, total)
    assert run.output["letter"] == review.get("letter", run.output["letter"])


async def test_a_message_that_fits_a_label_is_answered_by_the_model_which_says_that_it_is_scripted() -> None:
    _, output = await ended(example("support_desk"), given("desk_refund"))

    assert (output["label"], output["answered_by"]) == ("billing", "model")
    assert output["reply"].startswith("[scripted]")


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("My invoice is wrong, may I talk to a person?", id="somebody asks for a person"),
        pytest.param("A friendly hello from the neighbours.", id="no label fits"),
    ],
)
async def test_a_message_that_is_for_a_person_joins_the_conversation_with_the_answer_of_one(message: str) -> None:
    async with open_app(offline()) as app:
        working = asyncio.create_task(app.worker.run())
        thread = (await app.desk.open_thread(LOCAL_ADMIN, ThreadOrder())).id
        said = [given("desk_refund")["message"], message]
        orders = [RunOrder(workflow=example("support_desk"), input={"message": text}, thread_id=thread) for text in said]
        started = [await app.desk.start_run(LOCAL_ADMIN, order) for order in orders]
        run, _ = await app.desk.wait_for_run(LOCAL_ADMIN, started[-1].view.id, 60.0)
        assert [waiting.activation for waiting in run.waiting_for] == ["/escalate#1"]
        await app.desk.answer_run(LOCAL_ADMIN, run.id, AnswerOrder(activation="/escalate#1", answer={"reply": "Grace here."}))
        async with asyncio.timeout(60):
            await anext(item async for item in await app.desk.follow_run(LOCAL_ADMIN, run.id) if isinstance(item, EndView))
        held = (await app.desk.past.state(LOCAL_ADMIN, thread)).values
        app.worker.stop()
        await working

    assert (held["answered_by"], held["reply"]) == ("person", "Grace here.")
    assert isinstance(held["messages"], list)
    assert [entry["role"] for entry in held["messages"] if isinstance(entry, dict)] == ["user", "assistant"] * 2


async def test_a_question_is_researched_by_a_plan_and_answered_from_the_documents() -> None:
    asked = given("research")
    run, output = await ended(example("research_agent"), asked)

    questions = asked["question"].splitlines()[1:]
    assert [output["answer"].find(question) > 0 for question in questions] == [True] * 3
    assert ("98,400 EUR" in output["answer"], "Measurement of sound in the yard" in output["answer"]) == (True, True)
    assert {step["status"] for step in output["plan"]} == {"done"}
    assert (output["turns"], output["stopped_by"], run.usage.calls) == (3, None, 3)
    assert output["cost"]["amount"] == str(run.cost.amount)


async def test_research_stops_where_the_money_does() -> None:
    document = example("research_agent")
    document["nodes"]["research"]["max_cost_usd"] = "0.0012"
    run, output = await ended(document, given("research"))

    assert (run.status, output["stopped_by"]) == ("completed", "limit_cost")
    assert float(run.cost.amount) <= 0.0012


async def test_a_team_hands_over_to_each_of_its_members_and_back() -> None:
    run, output = await ended(example("agent_team"), given("announcement"))

    assert [one["to"] for one in output["handoffs"]] == ["researcher", "editor", "writer", "editor", "reviewer", "editor"]
    assert all(f"{name}: " in output["text"] for name in ("researcher", "writer", "reviewer"))
    assert "Android 10" in output["text"]
    assert run.usage.calls == output["turns"]


async def test_invoices_that_do_not_add_up_or_lack_a_field_are_put_aside() -> None:
    run, output = await ended(example("invoice_extraction"), given("invoices"))

    assert [one["invoice"]["total"] for one in output["fine"]] == ["1111.20", "436.49"]
    assert [(one["file"], one["adds_up"], one["missing"]) for one in output["to_check"]] == [
        ("bright-cleaning.txt", False, []),
        ("window-post.txt", True, ["due_date"]),
    ]
    assert run.usage.calls == 4


async def test_an_order_that_cannot_be_shipped_is_undone() -> None:
    async with open_app(offline()) as app:
        working = asyncio.create_task(app.worker.run())
        order = RunOrder(workflow=example("order_saga"), input={"order": "A-18", "total": 80, "country": "NO"})
        started = await app.desk.start_run(LOCAL_ADMIN, order)
        run, _ = await app.desk.wait_for_run(LOCAL_ADMIN, started.view.id, 60.0)
        app.worker.stop()
        await working

    assert (run.status, [activation.node for activation in run.activations][-2:]) == ("failed", ["refund", "release"])
