"""Schedules and their firings. Each call is its own transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.ids import RunId, ScheduleId, TenantId
from domain.ports.repositories import Page
from domain.schedule import Firing, Schedule


class Schedules(Protocol):
    """Another tenant's schedule does not exist."""

    async def add(self, schedule: Schedule) -> None:
        """Keep a new one. One that is there stays as it is."""

    async def get(self, tenant: TenantId, schedule: ScheduleId) -> Schedule:
        """`ScheduleNotFound` when there is none."""

    async def list(self, tenant: TenantId, limit: int, cursor: str | None) -> Page[Schedule]:
        """Newest first."""

    async def change(self, changed: Schedule, firings: Sequence[Firing] = ()) -> bool:
        """Keep it as its next revision, and these firings (one for each due time; a later one replaces it, unless that one is final).

        False, and nothing is kept, when its revision is no longer `changed.revision`: somebody else changed, took or removed it. Of a
        schedule's final firings the newest 1,000 stay.
        """

    async def remove(self, tenant: TenantId, schedule: ScheduleId) -> None:
        """With its firings; runs stay. `ScheduleNotFound` when there is none."""

    async def firings(self, tenant: TenantId, schedule: ScheduleId, limit: int, cursor: str | None) -> Page[Firing]:
        """Newest due time first."""


class DueSchedules(Protocol):
    """Of all tenants, for those who start runs."""

    async def next_wake(self) -> datetime | None:
        """When the first one wants to be looked at; None: none does. Cheap."""

    async def take(self, now: datetime, until: datetime, limit: int) -> Sequence[Schedule]:
        """Those that want to be looked at, each as a new revision that nobody else gets before `until`."""

    async def open_firings(self, schedule: Schedule) -> Sequence[Firing]:
        """Those that are neither started nor given up, oldest first."""

    async def unfinished(self, schedule: Schedule) -> Sequence[RunId]:
        """Which of the runs of its newest 100 started firings are not over, oldest first."""
