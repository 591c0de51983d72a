"""The pytest plugin: the fixture `replay`, which plays a cassette offline, and `--weft-record`, with which it records it again.

    def test_triage(replay):
        result = replay("cassettes/triage.yaml", "triage.yaml")
        assert result.same, result.diff

Nothing of Weft is imported before a test uses the fixture.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from application.cassettes import Came
    from application.cassettes.documents import Cassette
    from application.cassettes.playing import Changed
    from interface.cli.replaying import Replayed

T = TypeVar("T")


@dataclass(frozen=True)
class Result:
    """What came of the run that was played, beside what came of the recorded one (`before`)."""

    found: "Replayed"

    @property
    def same(self) -> bool:
        """Path, output, tokens, cost and ending, and nothing was asked that is not on the cassette."""
        return self.found.is_same

    @property
    def same_path(self) -> bool:
        return self.found.compared.same_path

    @property
    def same_output(self) -> bool:
        return self.found.compared.same_output

    @property
    def same_tokens(self) -> bool:
        return self.found.compared.same_tokens

    @property
    def same_cost(self) -> bool:
        return self.found.compared.same_cost

    @property
    def asked_the_same(self) -> bool:
        """Every call was asked as it was recorded, and none was left out."""
        return self.found.is_asked_the_same

    @property
    def before(self) -> "Came":
        return self.found.compared.before

    @property
    def after(self) -> "Came":
        return self.found.compared.after

    @property
    def path(self) -> tuple[str, ...]:
        return self.after.path

    @property
    def output(self) -> Any:
        return self.after.output

    @property
    def tokens(self) -> int:
        return self.after.tokens

    @property
    def cost(self) -> Decimal:
        """Of the calls whose price is known."""
        return self.after.cost

    @property
    def diff(self) -> str:
        """As `weft replay` prints it."""
        from interface.cli.replaying import lines_of

        return "\n".join(lines_of(self.found))


@dataclass(frozen=True)
class Replay:
    """Paths are relative to `folder`, that of the test."""

    folder: Path
    records: bool

    def __call__(
        self,
        cassette: str,
        workflow: str | None = None,
        *,
        input: Mapping[str, Any] | None = None,
        models: Mapping[str, str] | None = None,
        prompts: Sequence[str] = (),
    ) -> Result:
        """`workflow`: a file; else the recorded one. `input`: for a cassette that is recorded for the first time. `models`: name -> model
        whose price counts now. `prompts`: files of newer versions of published prompts."""
        from interface.cli.failures import CommandFailed

        try:
            with _logs_as_they_were():
                return _aside(lambda: self._played(self.folder / cassette, workflow, input, dict(models or {}), prompts))
        except CommandFailed as failed:
            sentence = "\n".join([failed.sentence, *failed.details])
        pytest.fail(sentence, pytrace=False)

    def _played(
        self, file: Path, workflow: str | None, given: Mapping[str, Any] | None, models: dict[str, str], prompts: Sequence[str]
    ) -> Result:
        from bootstrap import Launcher
        from interface.cli.failures import CommandFailed
        from interface.cli.recording import read_cassette
        from interface.cli.replaying import changed_by, replayed

        launcher = Launcher()
        named = None if workflow is None else str(self.folder / workflow)
        changed = changed_by(launcher, named, [self.folder / prompt for prompt in prompts], None)
        if self.records:
            asyncio.run(_record(file, changed, given))
        elif not file.exists():
            raise CommandFailed(f"{file} is not there yet: `pytest --weft-record` records it, with the `input` that the test gives")
        return Result(replayed(launcher, read_cassette(file), changed, models, log="error"))


async def _record(file: Path, changed: "Changed", given: Mapping[str, Any] | None) -> None:
    """With the models and tools that are set; who answered then answers now."""
    from application.cassettes import Recording
    from application.cassettes.playing import perform
    from application.cassettes.recording import cassette_of
    from bootstrap import Launcher
    from interface.cli.recording import write_cassette

    script, tape = _script(file, changed.workflow, given), Recording()
    async with Launcher().open_taped(tape, database_url="memory:", metrics=False, log="error") as app:
        run = await perform(app, script, lambda: datetime.now(UTC), changed)
        write_cassette(await cassette_of(app.desk, run, changed.workflow or script.workflow, tape), file)


def _script(file: Path, document: dict[str, Any] | None, given: Mapping[str, Any] | None) -> "Cassette":
    """The cassette that is there, or the beginning of one."""
    from application.cassettes.documents import CamePart, Cassette, CostPart
    from interface.cli.failures import CommandFailed
    from interface.cli.recording import read_cassette

    if file.exists():
        known = read_cassette(file)
        return known if given is None else known.model_copy(update={"input": dict(given)})
    if document is None:
        raise CommandFailed(f"{file} is not there yet: name the workflow that is to be recorded")
    nothing = CamePart(status="queued", path=(), cost=CostPart(amount="0"))
    return Cassette(recorded_at=datetime.now(UTC), came=nothing, input=dict(given or {}), workflow=document)


@contextmanager
def _logs_as_they_were() -> Iterator[None]:
    """Weft logs as its own process would; the tests around have handlers of their own."""
    root = logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, threading.excepthook
    try:
        yield
    finally:
        root.handlers[:], threading.excepthook = handlers, hook
        root.setLevel(level)


def _aside(act: Callable[[], T]) -> T:
    """In a thread, where a loop runs in this one already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        is_inside = False
    else:
        is_inside = True
    if not is_inside:
        return act()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(act).result()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("weft").addoption(
        "--weft-record", action="store_true", help="record the cassettes of `replay` again, with the models that are set"
    )


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> Replay:
    """Plays a cassette: `replay("cassettes/triage.yaml", "triage.yaml")`."""
    return Replay(request.path.parent, bool(request.config.getoption("--weft-record")))
