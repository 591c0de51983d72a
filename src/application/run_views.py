"""What readers get of runs and of what happens in them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue

from application.views import ErrorView, MoneyView, View, json_object, json_value, perhaps, plain_number
from domain.graph.flow import Priority
from domain.ports.feed import Passing
from domain.ports.journal import Recorded
from domain.question import ASKING
from domain.run.run import Continued, Durability, Mode, Run, RunStatus, Waiting
from domain.run.terms import OnBusy
from domain.usage import UsageTotal


class CostView(MoneyView):
    """`unpriced_calls`: calls whose price is unknown, and which `amount` therefore leaves out. `others`: what was charged in other
    currencies, which are never summed."""

    unpriced_calls: int
    others: list[MoneyView] = Field(default_factory=list)

    @classmethod
    def of_total(cls, total: UsageTotal) -> "CostView":
        return cls(
            amount=plain_number(total.cost.amount),
            currency=total.cost.currency,
            unpriced_calls=total.unpriced,
            others=list(map(MoneyView.of, total.others)),
        )


class UsageView(View):
    """`unknown_calls`: calls whose outcome nobody heard, because their worker was lost; the most that they can have used is counted."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    calls: int
    unknown_calls: int

    @classmethod
    def of(cls, total: UsageTotal) -> "UsageView":
        return cls(
            prompt_tokens=total.prompt_tokens,
            completion_tokens=total.completion_tokens,
            total_tokens=total.total_tokens,
            calls=total.calls,
            unknown_calls=total.unknown,
        )


class WaitingView(View):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, serialize_by_alias=True)

    activation: str
    kind: str
    until: datetime | None = None
    signals: list[str]
    """Any of these ends it."""
    about: JsonValue = None
    """Of `needs_attention`: what is known of the call whose outcome is not. Of `human` and `budget`: what else is known of the question."""
    show: JsonValue = None
    """What is put before the person."""
    answer_schema: Annotated[JsonValue, Field(serialization_alias="schema")] = None
    """JSON Schema of the answer."""
    who: list[str] | None = None
    """Roles, or names of keys; an empty list: whoever is an operator."""

    @classmethod
    def of(cls, waiting: Waiting) -> "WaitingView":
        until = None if waiting.until is None else datetime.fromtimestamp(waiting.until, UTC)
        about = json_value(waiting.about)
        shown = _question(about) if isinstance(about, dict) and waiting.kind in ASKING else {"about": about}
        told = {"activation": waiting.activation, "kind": waiting.kind, "until": until, "signals": list(waiting.signals)}
        return cls.model_validate({**told, **shown})


def _question(about: dict[str, JsonValue]) -> dict[str, JsonValue]:
    rest = {name: value for name, value in about.items() if name not in ("show", "schema", "who")}
    return {"show": about["show"], "answer_schema": about["schema"], "who": about["who"], "about": rest}


class ActivationView(View):
    """One visit of one node. `status`: running, retrying, parked, finished, failed or cancelled. `seconds`: its last attempt."""

    path: str
    node: str
    status: str
    attempts: int
    seconds: float | None = None
    error: ErrorView | None = None


class RunListItem(View):
    id: str
    thread_id: str
    session_id: str | None
    workflow: str
    status: RunStatus
    waits_for: list[str]
    """The kinds of what keeps it parked."""
    usage: UsageView
    cost: CostView
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, run: Run) -> "RunListItem":
        return cls(**_listed(run))


class ContinuedView(View):
    run_id: str
    position: int

    @classmethod
    def of(cls, continued: Continued) -> "ContinuedView":
        return cls(run_id=continued.run, position=continued.at)


class RunView(RunListItem):
    """`workflow` is `name@version`. `activations` holds the newest of `activations_total`. `versions`: every workflow that the run's
    graph names, with the hash it was resolved to when the run started."""

    workflow_hash: str
    mode: Mode
    durability: Durability
    input: dict[str, JsonValue]
    output: JsonValue
    error: ErrorView | None
    metadata: dict[str, JsonValue]
    priority: Priority
    concurrency_key: str | None
    permissions: list[str] | None
    """Of a run in a session: the tools that it may call, as the session said when it was started; null: all."""
    on_busy: OnBusy
    continues: ContinuedView | None
    """Where another run was, and this one went on."""
    due_at: datetime | None
    """Not to begin before; null: at once."""
    waiting_for: list[WaitingView]
    paused: bool
    """Nothing new starts in it until it is resumed."""
    ending: RunStatus | None
    """What a running run will be once everything that finished in it is undone."""
    activations: list[ActivationView]
    activations_total: int
    rows_removed: bool = False
    """Retention removed rows of the run: `activations`, their total and `versions` tell of the rest only."""
    versions: dict[str, str]

    @classmethod
    def whole(
        cls, run: Run, activations: Sequence[ActivationView], total: int, versions: dict[str, str], *, rows_removed: bool = False
    ) -> "RunView":
        return cls(
            **_listed(run),
            workflow_hash=run.workflow_hash,
            mode=run.mode,
            durability=run.durability,
            input=json_object(run.input),
            output=json_value(run.output),
            error=perhaps(ErrorView.of, run.failure),
            metadata=json_object(run.metadata),
            priority=run.priority,
            concurrency_key=run.concurrency_key,
            permissions=None if run.acting is None else perhaps(list, run.acting.permissions),
            on_busy=run.on_busy,
            continues=perhaps(ContinuedView.of, run.continues),
            due_at=run.due_at,
            ending=run.ending,
            paused=run.paused,
            waiting_for=[WaitingView.of(waiting) for waiting in run.waiting_for],
            activations=list(activations),
            activations_total=total,
            rows_removed=rows_removed,
            versions=versions,
        )


def _listed(run: Run) -> dict[str, object]:
    """The members of `RunListItem`."""
    return {
        "id": run.id,
        "thread_id": run.thread,
        "session_id": perhaps(lambda acting: acting.session, run.acting),
        "workflow": run.workflow,
        "status": run.status,
        "waits_for": sorted({waiting.kind for waiting in run.waiting_for}),
        "usage": UsageView.of(run.usage),
        "cost": CostView.of_total(run.usage),
        "created_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
    }


class EventView(View):
    """One row of the journal: these four members, and those of the row itself beside them."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

    position: int
    type: str
    at: datetime
    run: str

    @classmethod
    def of(cls, row: Recorded) -> "EventView":
        return cls(**{**json.loads(row.body), "position": row.position, "type": row.kind, "at": row.at, "run": row.run})


class EventsPageView(View):
    """Rows as a stream brings them. `next`: the `after` of the next page, also when nothing is there yet."""

    items: list[EventView]
    next: int


class PassingView(View):
    """Ephemeral. `kind`: `started` (an attempt began), `text` (a piece of a model's answer) or `progress` (how far a tool is). `dropped`:
    how many this reader was too slow for since the last one it got."""

    kind: str
    activation: str
    text: str
    dropped: int = 0

    @classmethod
    def of(cls, news: Passing) -> "PassingView":
        return cls(kind=news.kind, activation=news.activation, text=news.text, dropped=news.dropped)


class EndView(View):
    """Nothing more will come of this run."""

    run: str
    status: RunStatus
