"""Everything kept that is not a journal. Each call is its own transaction; another tenant's row does not exist."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

from domain.access import ApiKey
from domain.ids import ContentHash, Epoch, KeyId, RunId, SessionId, TenantId, ThreadId
from domain.run.run import Run, RunStatus
from domain.run.terms import AT_ONCE, Terms
from domain.thread import Thread, ThreadState, ThreadType
from domain.usage import UsageRow
from domain.workflow import WorkflowMetadata, WorkflowTemplate, WorkflowVersion

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`next_cursor` is opaque; None on the last page."""

    items: tuple[T, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class RunFilter:
    """`workflow`: a name, or `name@version`. The times bound `created_at`: from `since` on, before `until`. `session`: of its threads."""

    status: RunStatus | None = None
    workflow: str | None = None
    thread: ThreadId | None = None
    since: datetime | None = None
    until: datetime | None = None
    session: SessionId | None = None


@dataclass(frozen=True, slots=True)
class IdempotencyMark:
    """`digest` is the hex SHA-256 of the request: what it asks for, and its canonical body. Kept 24 hours from `at`."""

    key: str
    digest: str
    at: datetime


@dataclass(frozen=True, slots=True)
class NewRun:
    """`opens_thread`: create the thread in the same transaction; else it must exist."""

    run: Run
    opens_thread: bool = True
    mark: IdempotencyMark | None = None
    embedded: WorkflowVersion | None = None
    """A workflow posted whole with the run: kept by its hash, not listed under its name."""
    terms: Terms = AT_ONCE
    sequence: str | None = None
    """Of a thread in sequence with others: the line in which their runs take turns. None: it takes turns with nobody."""

    @property
    def line(self) -> str:
        return self.sequence or self.run.thread


@dataclass(frozen=True, slots=True)
class Started:
    """`fresh` False: an earlier request started this run, with the same idempotency key and body, or the same key of its terms."""

    run: Run
    fresh: bool


class Runs(Protocol):
    async def start(self, new: NewRun) -> Started:
        """Write the run, its place in the queue, its thread when new, and the mark, in one transaction; starts of a process share commits.

        A mark that is known answers with the run it started; with another digest it is `IdempotencyConflict`. A thread that should exist
        and does not is `ThreadNotFound`. Where the terms name a singleton that is unfinished, or a debounced run that has not begun, the
        answer is that run; the latter has what this one asks for, and its delay, from then on. Of two at once one is started. Where the
        terms reject a busy thread and a run of it is unfinished, it is `ThreadBusy`, which names the run; of two such at once one starts.
        """

    async def get(self, tenant: TenantId, run: RunId) -> Run:
        """`RunNotFound` when there is none."""

    async def unfinished(self, tenant: TenantId, thread: ThreadId) -> Sequence[Run]:
        """Those of one thread, in the order in which they were started."""

    async def list(self, tenant: TenantId, wanted: RunFilter, limit: int, cursor: str | None) -> Page[Run]:
        """Newest first. A cursor that is not ours is a `ValidationError`."""

    async def count(self, tenant: TenantId, wanted: RunFilter) -> int:
        """How many there are."""


class Marks(Protocol):
    """Idempotency keys of requests. Each knows its `subject`: what the request made, or what it was told; a run's mark knows the run."""

    async def known(self, tenant: TenantId, mark: IdempotencyMark) -> str | None:
        """The subject of a key that came before; None for one that is free. `IdempotencyConflict` when it came with another digest."""

    async def take(self, tenant: TenantId, mark: IdempotencyMark, subject: str) -> str:
        """The subject of whoever took this key first: ours when it was free. `IdempotencyConflict` when it came with another digest."""

    async def settle(self, tenant: TenantId, mark: IdempotencyMark, subject: str) -> str:
        """Give a taken key whose subject is empty its subject. The first to say it is right, and is returned."""


class Workflows(Protocol):
    async def publish(self, version: WorkflowVersion) -> tuple[WorkflowVersion, bool]:
        """Keep a version. True: it is new; False: this very content was already published under this version, and is returned.
        Another content under a used version is `VersionTaken`. Two at once: one wins, the other sees it."""

    async def get(self, tenant: TenantId, name: str, version: str | None = None) -> WorkflowVersion:
        """That version, or the highest by semantic version. `WorkflowNotFound` names up to ten known ones."""

    async def by_hash(self, tenant: TenantId, content: ContentHash) -> WorkflowVersion:
        """Published or embedded; `WorkflowNotFound` when neither."""

    async def list(self, tenant: TenantId, limit: int, cursor: str | None) -> Page[WorkflowMetadata]:
        """The highest version of each published name, by name."""

    async def versions(self, tenant: TenantId, name: str) -> Sequence[WorkflowMetadata]:
        """All versions of a name, highest first; `WorkflowNotFound` when there are none."""


class TemplateShelf(Protocol):
    async def put(self, template: WorkflowTemplate) -> bool:
        """Keep or replace; True when the name is new."""

    async def get(self, tenant: TenantId, name: str) -> WorkflowTemplate:
        """`TemplateNotFound` when there is none."""

    async def list(self, tenant: TenantId, limit: int, cursor: str | None) -> Page[WorkflowTemplate]:
        """By name."""


@dataclass(frozen=True, slots=True)
class ThreadFilter:
    parent: ThreadId | None = None
    session: SessionId | None = None
    thread_type: ThreadType | None = None
    state: ThreadState | None = None


ALL_THREADS: Final = ThreadFilter()


class Threads(Protocol):
    async def add(self, thread: Thread) -> None:
        """Keep a new thread, with its empty journal. One that is there stays as it is. `ThreadNotFound` when its parent is gone,
        `PositionGone` when retention removed what a branch would stand on. Of a branch and a retention at once, the branch either keeps
        its past for ever or is refused."""

    async def get(self, tenant: TenantId, thread: ThreadId) -> Thread:
        """`ThreadNotFound` when there is none."""

    async def list(self, tenant: TenantId, limit: int, cursor: str | None, wanted: ThreadFilter = ALL_THREADS) -> Page[Thread]:
        """Newest first. Asking for a state looks at each thread that the other members let through."""

    async def states(self, tenant: TenantId, threads: Collection[ThreadId]) -> Mapping[ThreadId, ThreadState]:
        """Of each that is there."""

    async def below(self, tenant: TenantId, thread: ThreadId, limit: int) -> Sequence[Thread]:
        """A thread and up to `limit` less one of those that come from it, children of children included: parents before their children,
        those of one parent oldest first. Nothing when it is not there."""


class UsageLedger(Protocol):
    async def count(self, rows: Sequence[UsageRow]) -> None:
        """Write lines outside any append (a fenced worker's late usage). One that is there already gives way as `UsageState` says, here and
        in appends; two of one key that come at once leave what either order would."""

    async def of_run(self, tenant: TenantId, run: RunId) -> Sequence[UsageRow]:
        """In the order they were written; those that are void aside."""

    async def reserved(self, tenant: TenantId, run: RunId, before: Epoch) -> Sequence[UsageRow]:
        """Lines of older epochs that nobody has settled, in the order they were written."""


class Keys(Protocol):
    async def add(self, key: ApiKey) -> None:
        """Keep it."""

    async def by_digest(self, digest: str) -> ApiKey | None:
        """The key with this digest, or None."""

    async def any(self) -> bool:
        """Is there a key of any tenant?"""

    async def list(self, tenant: TenantId) -> Sequence[ApiKey]:
        """Oldest first."""

    async def remove(self, tenant: TenantId, key: KeyId) -> None:
        """`KeyNotFound` when there is none."""


@dataclass(frozen=True, slots=True)
class Health:
    """`ready` False: `reason` says what to do."""

    ready: bool
    reason: str = ""
    details: dict[str, str] = field(default_factory=dict)


class StoreHealth(Protocol):
    async def check(self) -> Health:
        """Can it be reached, and is its schema the one this version needs?"""
