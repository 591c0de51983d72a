"""What an append says to those who listen from outside: which news it holds, and how they are told."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from domain.ids import DeliveryId, Position
from domain.json import Json, JsonObject
from domain.news import RunNews
from domain.ports.journal import Append
from domain.question import ASKING
from domain.run.events import RunContinued, RunStarted
from domain.run.run import Run, RunStatus, Waiting

MOST_BYTES: Final = 256 * 1024
"""Of a body. An output that makes it larger is left out, and `output_omitted` says so."""
MOST_MESSAGE: Final = 10_000
_ENDS: Final = {RunStatus.COMPLETED: RunNews.COMPLETED, RunStatus.FAILED: RunNews.FAILED, RunStatus.CANCELLED: RunNews.CANCELLED}


@dataclass(frozen=True, slots=True)
class Told:
    """`workflow` without its version."""

    id: DeliveryId
    news: RunNews
    workflow: str
    message: JsonObject
    shorter: JsonObject
    """The same without the run's output."""


def news_of(append: Append) -> tuple[RunNews, ...]:
    """Most appends have none."""
    run = append.told_of
    if run is None:
        return ()
    started = (RunNews.STARTED,) if any(isinstance(event, RunStarted | RunContinued) for event in append.events) else ()
    if run.status is RunStatus.PARKED and append.release_at is not None and not append.moves:
        is_asking = any(waiting.kind in ASKING for waiting in run.waiting_for)
        return (*started, RunNews.PARKED, *((RunNews.WAITING,) if is_asking else ()))
    return (*started, _ENDS[run.status]) if run.status.is_final else started


def told(append: Append, at: datetime) -> Iterator[Told]:
    """The id follows from the run and the position: a run that parks again without a row in between says nothing new."""
    run, upto = append.told_of, Position(append.after + len(append.events))
    for news in news_of(append):
        assert run is not None, "news are of a run"
        about = {**_about(run, upto), **(_asked(run) if news is RunNews.WAITING else {})}
        name = news.value.removeprefix("run.")
        left_out = {"output": None, "output_omitted": f"the output is too large to be sent: read it at /v1/runs/{run.id}"}
        shorter = {**about, **(_asked(run, briefly=True) if news is RunNews.WAITING else left_out)}
        yield Told(
            DeliveryId(f"evt_{run.id}_{upto}_{name}"),
            news,
            run.workflow.partition("@")[0],
            message(news, at, {"run": about}),
            message(news, at, {"run": shorter}),
        )


def message(news: RunNews, at: datetime, data: JsonObject) -> JsonObject:
    return {"type": news.value, "timestamp": written(at), "data": data}


def written(at: datetime) -> str:
    """RFC 3339, as in every answer."""
    return at.isoformat().replace("+00:00", "Z")


def _asked(run: Run, *, briefly: bool = False) -> dict[str, Json]:
    """What people are asked; `briefly`: only where."""
    return {"waiting_for": [_question(waiting, briefly) for waiting in run.waiting_for if waiting.kind in ASKING]}


def _question(waiting: Waiting, briefly: bool) -> Json:
    about = waiting.about or {}
    until = None if waiting.until is None else written(datetime.fromtimestamp(waiting.until, UTC))
    told: dict[str, Json] = {"activation": waiting.activation, "kind": waiting.kind, "until": until, "asked_at": about["asked_at"]}
    return told if briefly else {**told, "show": about["show"], "schema": about["schema"], "who": about["who"]}


def _about(run: Run, position: Position) -> dict[str, Json]:
    usage, failure = run.usage, run.failure
    return {
        "id": run.id,
        "workflow": run.workflow,
        "status": run.status.value,
        "thread_id": run.thread,
        "output": run.output,
        "error": None if failure is None else {**failure.as_json(), "message": failure.message[:MOST_MESSAGE]},
        "usage": {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
            "calls": usage.calls,
            "unknown_calls": usage.unknown,
        },
        "cost": {"amount": format(usage.cost.amount.normalize(), "f"), "currency": usage.cost.currency, "unpriced_calls": usage.unpriced},
        "created_at": written(run.created_at),
        "started_at": None if run.started_at is None else written(run.started_at),
        "ended_at": None if run.ended_at is None else written(run.ended_at),
        "position": position,
    }
