"""What may be asked of a run that is under way: to pause, to go on, to take a signal. Whoever holds the run does it."""

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from application.activations import describe
from application.once import Once, digest_of
from application.past import Past
from application.run_views import RunView
from application.runs import find_run
from domain.access import Principal, Role
from domain.errors import IllegalTransition, TooManySignals
from domain.ids import NewId
from domain.json import Json
from domain.ports.inbox import Inbox
from domain.ports.journal import Journal
from domain.ports.repositories import Runs
from domain.run.run import Run

SIGNAL_NAME: Final = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"
_LEFT: Final = "left"
MOST_SIGNALS: Final = 1_000
"""That wait for one run. Those that are sent at the same moment may pass it together: it keeps runs small, and is no exact number."""


class PauseOrder(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    reason: Annotated[str, Field(strict=True, max_length=2000)] = ""


class SignalOrder(BaseModel):
    """`payload`: what the node that it wakes has in its output. `transient`: dropped when nobody waits for it."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    payload: JsonValue = None
    transient: Annotated[bool, Field(strict=True)] = False


@dataclass(frozen=True, slots=True)
class RunControl:
    """Each of these answers with the run as it was when it was asked."""

    runs: Runs
    journal: Journal
    inbox: Inbox
    past: Past
    once: Once
    new_id: NewId

    async def pause(self, who: Principal, run: str, order: PauseOrder) -> RunView:
        """What is in flight finishes, and nothing new starts. May be asked any number of times."""
        return await self._ask(who, run, "pause", {"by": who.name, "reason": order.reason})

    async def resume(self, who: Principal, run: str) -> RunView:
        """Undoes a pause. May be asked any number of times."""
        return await self._ask(who, run, "resume", {"by": who.name})

    async def signal(self, who: Principal, run: str, name: str, order: SignalOrder, key: str | None = None) -> RunView:
        """Wakes the `wait` that has waited longest for this name, or is kept for the next. With a key it is one signal, however often it is
        sent. `IllegalTransition` for a run that has ended; `TooManySignals` when one more would be kept in vain."""
        who.must_be(Role.OPERATOR)
        found = await find_run(self.runs, who, run)

        async def leave() -> str:
            if found.status.is_final:
                raise IllegalTransition(f"the run is {found.status.value} and takes no signals any more")
            body: dict[str, Json] = {"name": name, "payload": order.payload, "transient": order.transient, "by": who.name, "key": key or ""}
            await self._check_room(found, name, order)
            await self._put(found, "signal", body, key)
            return _LEFT

        if key is None:
            await leave()
        else:
            digest = digest_of(f"signal {found.id} {name}", order.model_dump(mode="json"))
            await self.once.done(who, key, digest, leave)
        return await describe(self.journal, found)

    async def _ask(self, who: Principal, run: str, kind: str, body: dict[str, Json]) -> RunView:
        """Asked for also where the run's row says that it is so already: a wish the other way may be on its way."""
        who.must_be(Role.OPERATOR)
        found = await find_run(self.runs, who, run)
        if not found.status.is_final:
            await self._put(found, kind, body)
        return await describe(self.journal, found)

    async def _check_room(self, run: Run, name: str, order: SignalOrder) -> None:
        waiting = await self.inbox.count(run.id, "signal")
        if waiting < MOST_SIGNALS and not order.transient:
            waiting += await self._kept(run, name)
        if waiting >= MOST_SIGNALS:
            raise TooManySignals(f"{waiting} signals wait for the run, and nothing in it takes them: at most {MOST_SIGNALS} are kept")

    async def _kept(self, run: Run, name: str) -> int:
        """Those that the run took and keeps for a `wait` to come; 0 when something waits for this one. Each is a row: a run of few rows is
        not looked into."""
        if await self.journal.end(run.tenant, run.thread) - run.first < MOST_SIGNALS:
            return 0
        state = (await self.past.at(run.tenant, run.thread)).run
        if state is None or state.run != run.id or any(name in one.signals for one in state.listening.values()):
            return 0
        return len(state.kept)

    async def _put(self, run: Run, kind: str, body: dict[str, Json], key: str | None = None) -> None:
        await self.inbox.put(run.tenant, run.thread, run.id, kind, body, f"{kind} {key or self.new_id()}")
