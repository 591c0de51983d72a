"""What calls used and cost: by what they have in common, and of one workflow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from application.names import id_or
from application.paging import PageOrder, slice_of
from application.times import WrittenTime
from application.usage_views import (
    UsageReportView,
    WorkflowTokenStatistics,
    as_csv,
    groups_of,
    item_of,
    main_currency,
    spent_of,
    total_of,
)
from domain.access import Principal, Role
from domain.errors import Problem, RunNotFound, ValidationError
from domain.ids import RunId
from domain.ports.repositories import RunFilter, Runs, Workflows
from domain.ports.usage import UsageSums
from domain.tally import Aspect, Spent, UsageFilter

MOST_GROUPS: Final = 100_000
Word = Annotated[str | None, Field(max_length=1_000, pattern=r"^[^\x00]*$")]


def _aspects(text: str) -> str:
    known = [aspect.value for aspect in Aspect]
    names = text.split(",") if text else []
    strange = [name for name in names if name not in known]
    if strange or len(set(names)) < len(names):
        raise ValueError(f"say each once, joined by commas: {', '.join(known)}")
    return text


class UsageOrder(PageOrder):
    """Each word must be the whole of what the line says; "" asks for lines that say none. The times bound when a call was first written:
    from `since` on, before `until`."""

    group_by: Annotated[str, AfterValidator(_aspects)] = ""
    since: WrittenTime | None = None
    until: WrittenTime | None = None
    workflow: Word = None
    node: Word = None
    model: Word = None
    prompt: Word = None
    session: Word = None
    user: Word = None
    run: Word = None

    @property
    def by(self) -> tuple[Aspect, ...]:
        return tuple(map(Aspect, self.group_by.split(","))) if self.group_by else ()

    def wanted(self) -> UsageFilter:
        run = None if self.run is None else RunId(id_or(RunNotFound, self.run))
        words = (self.workflow, self.node, self.model, self.prompt, self.session, self.user)
        return UsageFilter(_seconds(self.since), _seconds(self.until), *words, run)


@dataclass(frozen=True, slots=True)
class UsageDesk:
    sums: UsageSums
    runs: Runs
    workflows: Workflows

    async def report(self, who: Principal, order: UsageOrder) -> UsageReportView:
        """In order of what the calls have in common, first what was named first."""
        spent = await self._spent(who, order)
        total = total_of(spent)
        main = main_currency(total)
        page = slice_of(groups_of(spent), order, lambda group: item_of(group, order.by, main))
        return UsageReportView(items=page.items, total=spent_of(total, main), next_cursor=page.next_cursor)

    async def csv(self, who: Principal, order: UsageOrder) -> str:
        """All of it; pages are for JSON."""
        return as_csv(await self._spent(who, order), order.by)

    async def statistics(self, who: Principal, name: str, since: datetime | None, until: datetime | None) -> WorkflowTokenStatistics:
        """`WorkflowNotFound` for a name that is not published and that nothing ran under."""
        who.must_be(Role.VIEWER)
        runs = await self.runs.count(who.tenant, RunFilter(workflow=name, since=since, until=until))
        total = total_of(await self.sums.grouped(who.tenant, (), UsageFilter(_seconds(since), _seconds(until), name), MOST_GROUPS))
        if not runs and not total.tallies and not await self._ran(who, name):
            await self.workflows.versions(who.tenant, name)
        spent = spent_of(total, main_currency(total))
        return WorkflowTokenStatistics(
            workflow_id=name,
            since=since,
            until=until,
            execution_count=runs,
            total_tokens=spent.total_tokens,
            average_tokens_per_execution=spent.total_tokens / runs if runs else 0.0,
            total_cost=spent.cost,
        )

    async def _ran(self, who: Principal, name: str) -> bool:
        return bool((await self.runs.list(who.tenant, RunFilter(workflow=name), 1, None)).items)

    async def _spent(self, who: Principal, order: UsageOrder) -> Sequence[Spent]:
        who.must_be(Role.VIEWER)
        wanted = order.wanted()
        if wanted.run is not None:
            await self.runs.get(who.tenant, wanted.run)
        found = await self.sums.grouped(who.tenant, order.by, wanted, MOST_GROUPS + 1)
        if len(found) > MOST_GROUPS:
            sentence = f"ask for a shorter time or by fewer things: an answer holds at most {MOST_GROUPS:,} groups"
            raise ValidationError("there are too many groups", [Problem("/query/group_by", "too_many_groups", sentence)])
        return found


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()
