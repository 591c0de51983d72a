"""What is asked for when a webhook is made or changed, and which deliveries are asked for."""

from dataclasses import replace
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from application.paging import PageOrder
from domain.ids import RunId, TenantId, WebhookId
from domain.news import TOLD, RunNews
from domain.ports.clock import Clock
from domain.ports.webhooks import DeliveryFilter
from domain.webhook import DeliveryState, Webhook

ALL: Final = "*"
Url = Annotated[str, Field(strict=True, min_length=1, max_length=2_000, pattern=r"^https?://[!-~]+$")]
Wanted: TypeAlias = Literal[
    "*", "run.started", "run.parked", "run.waiting", "run.completed", "run.failed", "run.cancelled", "run.notified", "budget.alert"
]
Events = Annotated[list[Wanted], Field(min_length=1, max_length=20)]
WorkflowName = Annotated[str, Field(strict=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f@]*$")]
Description = Annotated[str, Field(strict=True, max_length=2_000, pattern=r"^[^\x00]*$")]


class WebhookOrder(BaseModel):
    """`events`: which of a run's news are sent; `*` is all of them. `workflow`: only runs of the workflow with this name."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    url: Url
    events: Events = [ALL]
    workflow: WorkflowName | None = None
    description: Description = ""
    enabled: Annotated[bool, Field(strict=True)] = True

    def webhook(self, identity: WebhookId, tenant: TenantId, secret: str, clock: Clock) -> Webhook:
        made = Webhook(identity, tenant, clock.now(), self.url, chosen(self.events), (secret,), self.workflow, self.description)
        return made if self.enabled else made.disable("")


class WebhookPatch(BaseModel):
    """What is said changes; null takes away `workflow`. `enabled`: true also forgets the failures until then."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    url: Url = ""
    events: Events = [ALL]
    workflow: WorkflowName | None = None
    description: Description = ""
    enabled: Annotated[bool, Field(strict=True)] = True

    def applied(self, webhook: Webhook) -> Webhook:
        said: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set - {"events", "enabled"}}
        if "events" in self.model_fields_set:
            said["events"] = chosen(self.events)
        changed = replace(webhook, **said)
        if "enabled" not in self.model_fields_set:
            return changed
        return changed.enable() if self.enabled else changed.disable("")


class DeliveryListOrder(PageOrder):
    state: DeliveryState | None = None
    event: RunNews | None = None
    run_id: Annotated[str | None, Field(max_length=64, pattern=r"^[^\x00]*$")] = None

    def wanted(self) -> DeliveryFilter:
        return DeliveryFilter(self.state, self.event, None if self.run_id is None else RunId(self.run_id))


def chosen(events: list[Wanted]) -> tuple[RunNews, ...]:
    return TOLD if ALL in events else tuple(news for news in TOLD if news.value in events)
