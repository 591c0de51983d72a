"""Moving parked runs to another version of their workflow: each as a whole, or not at all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from application.errors import Problem, ValidationError
from application.loading import ResolveVersions
from application.migrate_orders import MigrateOrder, MigrationStatus, MigrationView, MisfitView
from application.outside import Moved, WriteFromOutside
from application.past import Moment, Past
from application.programs import Program
from application.unrolling import KnownPrograms
from application.used_prompts import prompts_among, workflows_among
from application.versions import name_and_version
from application.views import PageView
from domain.access import Principal, Role
from domain.change import escaped
from domain.errors import PositionGone, SerializationError, ThreadBusy, WorkflowNotFound
from domain.graph.compiled import CompiledGraph
from domain.ids import ContentHash, Position, TenantId, ThreadId
from domain.ports.clock import Clock
from domain.ports.repositories import RunFilter, Runs, Workflows
from domain.run import fold
from domain.run.continuing import is_ending
from domain.run.events import RunMigrated
from domain.run.fitting import Misfit, misfits, strange_name
from domain.run.migrating import new_channels, paths_of, translations
from domain.run.run import Run, RunStatus
from domain.run.state import RunState
from domain.workflow import WorkflowVersion

_UNREADABLE = (PositionGone, SerializationError, WorkflowNotFound)
"""What may be wrong with a run's past."""


@dataclass(frozen=True, slots=True)
class _Way:
    """From one version to another. `graphs`: of the new version and of all that it names. `versions`: of the workflows among those;
    `has_prompts`: which version of those a run gets depends on the run."""

    old: Program
    new: Program
    reference: str
    nodes: Mapping[str, str]
    versions: Mapping[str, str]
    graphs: Mapping[ContentHash, CompiledGraph]
    by: str
    has_prompts: bool

    def check(self) -> None:
        """`ValidationError` points at the members of the node map that cannot be meant."""
        if self.old.hash == self.new.hash:
            raise ValidationError("both versions are the same", [Problem("/to", "same_version", "name another version than `from`")])
        problems = list(self._strange())
        if problems:
            raise ValidationError("the node map does not fit the two versions: see `problems`", problems)

    def _strange(self) -> Iterator[Problem]:
        known = translations(self.old.graph, self.new.graph, self.nodes)
        taken: dict[str, str] = {}
        for old, new in self.nodes.items():
            why = strange_name(self.old.graph, known, old, new)
            there = f"{old.rpartition('/')[0]}/{new}"
            if why is None and there in taken:
                why = f"`{taken[there]}` is to be `{new}` too: their visits could not be told apart"
            taken[there] = old
            if why is not None:
                yield Problem(f"/nodes/{escaped(old)}", "strange_node", why)

    def event(self, moment: Moment, run: RunState, prompts: Mapping[str, str]) -> RunMigrated:
        known = translations(run.root.graph, self.new.graph, self.nodes)
        paths: dict[str, str] = {old: new for old, new in paths_of(run, known).items() if old != new}
        channels = new_channels(self.new.graph, run.root, moment.values)
        return RunMigrated(self.new.hash, self.reference, self.by, self.nodes, paths, channels, {**self.versions, **prompts})

    def misfits(self, run: RunState) -> list[Misfit]:
        return misfits(run, translations(run.root.graph, self.new.graph, self.nodes), self.graphs.keys())


@dataclass(slots=True)
class _Look:
    """At one run. `moved` None: it stays, for what `problems` say, or because it is busy."""

    problems: Sequence[Misfit] = ()
    moved: Moved | None = None

    def status(self, *, dry: bool) -> MigrationStatus:
        if self.problems:
            return MigrationStatus.MISFIT
        if self.moved is None:
            return MigrationStatus.BUSY
        return MigrationStatus.FITS if dry else MigrationStatus.MOVED


@dataclass(frozen=True, slots=True)
class MigrateRuns:
    """A run that a worker has, or is about to take, is told as `busy` and left alone."""

    runs: Runs
    workflows: Workflows
    resolve: ResolveVersions
    past: Past
    write: WriteFromOutside
    clock: Clock

    async def __call__(self, who: Principal, order: MigrateOrder) -> PageView[MigrationView]:
        """Newest first. `ValidationError` for a node map that fits no run at all; `WorkflowNotFound`."""
        who.must_be(Role.OPERATOR)
        way = await self._way(who, order)
        way.check()
        wanted = RunFilter(status=RunStatus.PARKED, workflow=order.source)
        page = await self.runs.list(who.tenant, wanted, order.limit, order.cursor)
        views = [await self._one(who, run, way, dry=order.dry_run) for run in page.items]
        return PageView(items=views, next_cursor=page.next_cursor)

    async def _way(self, who: Principal, order: MigrateOrder) -> _Way:
        known = KnownPrograms(self.past.shelf, who.tenant)
        source, target = [await self._version(who.tenant, written) for written in (order.source, order.target)]
        old, new = await known.know(source.metadata.id), await known.know(target.metadata.id)
        found = await self.resolve(who.tenant, new.graph.graph, ThreadId("")) if new.names_others else {}
        versions = workflows_among(found)
        await known.know_all(new.hash, versions)
        hashes = [ContentHash(content) for content in (new.hash, *versions.values())]
        graphs = {content: known.by_hash[content].graph for content in hashes}
        return _Way(old, new, target.graph.id, order.nodes, versions, graphs, who.name, bool(prompts_among(found)))

    async def _prompts(self, run: Run, state: RunState, way: _Way) -> Mapping[str, str]:
        """What the run uses already stays as it is."""
        if not way.has_prompts:
            return {}
        chosen = prompts_among(await self.resolve(run.tenant, way.new.graph.graph, run.thread))
        return {name: state.started.versions.get(name, number) for name, number in chosen.items()}

    async def _version(self, tenant: TenantId, written: str) -> WorkflowVersion:
        return await self.workflows.get(tenant, *name_and_version(written))

    async def _one(self, who: Principal, run: Run, way: _Way, *, dry: bool) -> MigrationView:
        look = _Look()

        async def move(moment: Moment) -> Moved | None:
            found = await self._look(who, run, moment, way)
            look.problems, look.moved = found.problems, found.moved
            return look.moved

        try:
            if dry:
                await move(await self.past.at(who.tenant, run.thread))
            else:
                await self.write.moving(who, run.thread, move)
        except ThreadBusy:
            look.moved = None
        except _UNREADABLE as error:
            look.problems = [Misfit("", error.code, error.message)]
        problems = [MisfitView.of(one) for one in look.problems]
        return MigrationView(run_id=run.id, thread_id=run.thread, status=look.status(dry=dry), problems=problems)

    async def _look(self, who: Principal, listed: Run, moment: Moment, way: _Way) -> _Look:
        """`moment.run` is ours: it is moved to see what comes of it."""
        run, state = await self.runs.get(who.tenant, listed.id), moment.run
        if run.status is not RunStatus.PARKED or state is None or state.run != run.id:
            return _Look()
        if state.started.workflow != way.old.hash:
            why = "another document than the published version" if run.workflow == listed.workflow else "another version by now"
            return _Look([Misfit("", "other_workflow", f"the run is of {why}")])
        problems = way.misfits(state)
        if problems:
            return _Look(problems)
        event = way.event(moment, state, await self._prompts(run, state, way))
        begun, ended = len(state.ready), len(state.ended)
        position = Position(moment.position + 1)
        state.graphs = {**state.graphs, **way.graphs}
        fold.apply(state, event, position)
        problems = [*_ends(state, ended), *_unfit_values(state, way.new)]
        if problems:
            return _Look(problems)
        due_at = self.clock.now().timestamp() if len(state.ready) > begun else None
        return _Look(moved=Moved(event, _moved(run, state, event, position), due_at))


def _moved(run: Run, state: RunState, event: RunMigrated, position: Position) -> Run:
    waiting = tuple(replace(one, activation=event.paths.get(one.activation, one.activation)) for one in run.waiting_for)
    return replace(run, workflow=event.reference, workflow_hash=event.workflow, waiting_for=waiting, steps=state.steps, last=position)


def _ends(state: RunState, before: int) -> Iterator[Misfit]:
    """What starts at once may have nothing to wait for in the new version."""
    if is_ending(state) or len(state.ended) > before:
        failure = state.root.failure
        yield Misfit("", "would_end", f"in the new version a graph of it would end at once{f': {failure.message}' if failure else ''}")


def _unfit_values(state: RunState, program: Program) -> Iterator[Misfit]:
    programs = program.with_inner()
    for frame in state.frames.values():
        rules = programs[frame.graph].rules if frame.graph in programs else {}
        for name, rule in rules.items():
            if name not in frame.state or rule.schema is None:
                continue
            for problem in list(rule.schema.problems(frame.state[name]))[:3]:
                where = f"{frame.path}/{name}" if frame.path else name
                message = f"channel {where} holds what the new version does not take: {problem.pointer or '/'}: {problem.message}"
                yield Misfit(where, "invalid_value", message)
