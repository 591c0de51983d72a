"""Starting runs and reading them, in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from domain.errors import ThreadNotFound
from domain.ids import RunId, TenantId, ThreadId
from domain.ports.clock import Clock
from domain.ports.repositories import IdempotencyMark, NewRun, Page, RunFilter, Started
from domain.run.run import Run
from domain.thread import Thread
from infrastructure.store.memory.book import Book
from infrastructure.store.memory.marks import marked
from infrastructure.store.memory.pages import page
from infrastructure.store.starting import busy_with


@dataclass(frozen=True, slots=True)
class MemoryRuns:
    book: Book
    clock: Clock

    async def start(self, new: NewRun) -> Started:
        run = new.run
        if new.mark is not None and (known := self._started_by(run.tenant, new.mark)) is not None:
            return Started(known, fresh=False)
        there = self._standing(new) if new.terms.is_sole else None
        if there is None:
            self._settle_thread(new)
            self._refuse_busy(new)
        if new.embedded is not None:
            self.book.contents.setdefault((run.tenant, new.embedded.metadata.id), new.embedded)
        if new.mark is not None:
            self.book.remember(run.tenant, new.mark, (there or run).id)
        if there is None:
            self._put_in_line(new)
        return Started(there or run, fresh=there is None)

    async def get(self, tenant: TenantId, run: RunId) -> Run:
        return self.book.run(tenant, run)

    async def unfinished(self, tenant: TenantId, thread: ThreadId) -> Sequence[Run]:
        found = self.book.threads.get(thread)
        line = found.line if found is not None and found.tenant == tenant else ""
        return [self.book.runs[run] for run in self.book.line.unfinished(thread, line)]

    async def list(self, tenant: TenantId, wanted: RunFilter, limit: int, cursor: str | None) -> Page[Run]:
        holds = _holds(wanted, self.book)
        found = [run for run in self.book.runs.values() if run.tenant == tenant and holds(run)]
        return page(found, lambda run: (run.created_at.isoformat(), run.id), limit, cursor, newest_first=True)

    async def count(self, tenant: TenantId, wanted: RunFilter) -> int:
        holds = _holds(wanted, self.book)
        return sum(run.tenant == tenant and holds(run) for run in self.book.runs.values())

    def _started_by(self, tenant: TenantId, mark: IdempotencyMark) -> Run | None:
        run = marked(self.book, tenant, mark)
        return None if run is None else self.book.runs[RunId(run)]

    def _put_in_line(self, new: NewRun) -> None:
        run, terms, book = new.run, new.terms, self.book
        book.runs[run.id] = run
        book.line.gates.know(run.tenant, terms)
        book.line.join(run.id, run.tenant, run.thread, self.clock.now().timestamp() + terms.delay_seconds, terms, new.sequence)
        if terms.singleton is not None:
            book.singletons[run.tenant, terms.singleton] = run.id
        if terms.debounce is not None:
            book.debounced[run.tenant, terms.debounce] = run.id

    def _standing(self, new: NewRun) -> Run | None:
        """The run that is the answer to this start, if there is one. A debounced one has what this start asks for from now on."""
        run, terms, book = new.run, new.terms, self.book
        waiting = None if terms.debounce is None else book.debounced.get((run.tenant, terms.debounce))
        if waiting is not None:
            book.line.gates.know(run.tenant, terms)
            place, there = book.line.places[waiting], book.runs[waiting]
            book.runs[waiting] = replace(run, id=there.id, thread=there.thread, created_at=there.created_at)
            kept = replace(terms, singleton=place.terms.singleton)
            book.line.free(place, self.clock.now().timestamp() + terms.delay_seconds, kept)
            return book.runs[waiting]
        unfinished = None if terms.singleton is None else book.singletons.get((run.tenant, terms.singleton))
        return None if unfinished is None else book.runs[unfinished]

    def _refuse_busy(self, new: NewRun) -> None:
        unfinished = self.book.line.unfinished(new.run.thread, new.line) if new.terms.rejects_busy else ()
        if unfinished:
            raise busy_with(unfinished[0], new.run.thread)

    def _settle_thread(self, new: NewRun) -> None:
        run = new.run
        if new.opens_thread:
            self.book.open_thread(Thread(run.thread, run.tenant, run.created_at))
        if self.book.log(run.tenant, run.thread) is None:
            raise ThreadNotFound(f"there is no thread {run.thread}")


def _holds(wanted: RunFilter, book: Book) -> Callable[[Run], bool]:
    def holds(run: Run) -> bool:
        return (
            (wanted.status is None or run.status is wanted.status)
            and (wanted.workflow is None or wanted.workflow in (run.workflow, run.workflow.partition("@")[0]))
            and (wanted.thread is None or run.thread == wanted.thread)
            and (wanted.session is None or book.threads[run.thread].session == wanted.session)
            and (wanted.since is None or run.created_at >= wanted.since)
            and (wanted.until is None or run.created_at < wanted.until)
        )

    return holds
