"""What must hold after any afternoon, looked up in the store and in the world's own ledger."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from domain.ids import BEGINNING, ActivationPath
from domain.ports.journal import Recorded
from domain.question import NOBODY
from domain.run import events
from domain.run.run import Run, RunStatus
from domain.usage import UsageRow, UsageState, total
from tests.simulation.play import Afternoon
from tests.simulation.world import RESERVED

ENDINGS = (events.NodeFinished, events.NodeFailed, events.Terminated)


async def problems(found: Afternoon) -> list[str]:
    """In sentences; none when all promises were kept."""
    seen: dict[str, None] = {}
    for run in found.ordered:
        stored = await found.store.runs.get(run.tenant, run.id)
        rows = await found.store.journal.read(run.tenant, run.thread, BEGINNING, 1_000_000)
        lines = await found.store.usage.of_run(run.tenant, run.id)
        own = [found.store.journal.decode(row) for row in rows if row.run == run.id]
        wrong = [
            *_of_run(found, stored, own),
            *_of_calls(found, run, own),
            *_of_usage(found, run, own, lines),
            *_of_total(stored, lines),
            *_of_answers(found, stored, own),
        ]
        seen.update(dict.fromkeys(f"{run.id}: {problem}" for problem in wrong))
        seen.update(dict.fromkeys(f"{run.thread}: {problem}" for problem in _of_thread(rows)))
    return list(seen)


def _of_thread(rows: Sequence[Recorded]) -> Iterator[str]:
    if [row.position for row in rows] != list(range(1, len(rows) + 1)):
        yield "the journal has gaps"
    turns = [row.run for number, row in enumerate(rows) if number == 0 or rows[number - 1].run != row.run]
    if len(turns) != len(set(turns)):
        yield "two runs of one thread wrote in turns"


def _of_run(found: Afternoon, run: Run, rows: list[events.Event]) -> Iterator[str]:
    kinds = [type(row) for row in rows]
    if kinds.count(events.RunEnded) != 1 or kinds[-1] is not events.RunEnded:
        yield "it did not end exactly once, with its last row"
    if kinds.count(events.RunStarted) > 1:
        yield "it started twice"
    ends = Counter(row.activation for row in rows if isinstance(row, ENDINGS))
    if twice := [path for path, times in ends.items() if times > 1]:
        yield f"two results of {twice[0]}"
    if run.status is RunStatus.CANCELLED and run.id not in found.cancelled:
        yield "it was cancelled by nobody"
    if run.status is RunStatus.FAILED and (run.failure is None or run.failure.code != "poisoned"):
        yield f"it failed: {run.failure}"
    if run.status is RunStatus.COMPLETED:
        visits = Counter(path.rpartition("/")[2].partition("#")[0] for path in ends)
        if visits != found.case.expected:
            yield f"it visited {dict(visits - found.case.expected)} too much and {dict(found.case.expected - visits)} too little"


def _of_calls(found: Afternoon, run: Run, rows: list[events.Event]) -> Iterator[str]:
    calls = found.world.calls.get(run.id, [])
    keys: dict[str, set[str]] = {}
    for call in calls:
        keys.setdefault(call.activation, set()).add(call.key)
    if several := [path for path, used in keys.items() if len(used) > 1]:
        yield f"{several[0]} was called under several keys"
    once = {row.activation for row in rows if isinstance(row, events.EffectIntended)}
    if repeated := [path for path, times in Counter(call.activation for call in calls).items() if times > 1 and path in once]:
        yield f"{repeated[0]} may be called once only, and was called again"
    maps = {row.activation for row in rows if isinstance(row, events.FramesOpened)}
    asked = {row.activation for row in rows if isinstance(row, events.Answered)}
    finished = {row.activation for row in rows if isinstance(row, events.NodeFinished)} - maps - asked
    if unheard := finished - keys.keys():  # an operator says `happened` only of what is in the ledger
        yield f"{sorted(unheard)[0]} finished and was never called"


def _of_usage(found: Afternoon, run: Run, rows: list[events.Event], lines: Sequence[UsageRow]) -> Iterator[str]:
    counted = Counter(line.activation for line in lines if line.state is UsageState.COUNTED)
    charged = Counter(line.activation for line in lines if line.state.is_charged)
    paid = {row.activation for row in rows if isinstance(row, events.NodeFinished) and row.usage is not None}
    if missing := paid - set(counted):
        yield f"the tokens of {sorted(missing)[0]} are in no ledger"
    calls = Counter(call.activation for call in found.world.calls.get(run.id, []))
    if dear := [path for path, times in counted.items() if times > calls[path]]:
        yield f"{dear[0]} was charged more often than it was called"
    answered = {path: times for (whose, path), times in found.world.answered.items() if whose == run.id}
    if free := [path for path, times in answered.items() if times > charged[ActivationPath(path)]]:
        yield f"{free[0]} was answered more often than it was charged"
    if left := [line.activation for line in lines if line.state is UsageState.RESERVED]:
        yield f"{left[0]} is reserved for ever"
    lost = Counter((line.activation, line.epoch) for line in lines if line.state is UsageState.UNKNOWN)
    if twice := [path for (path, _), times in lost.items() if times > 1]:
        yield f"one worker lost two calls of {twice[0]}"


def _of_total(run: Run, lines: Sequence[UsageRow]) -> Iterator[str]:
    """Late lines of a lost lease are not in it; of a call that was lost it keeps what was reserved."""
    unknown = sum(line.state is UsageState.UNKNOWN for line in lines)
    sums = total(line.usage for line in lines if line.state.is_charged)
    known_since = max(run.usage.unknown - unknown, 0)
    if run.usage.calls > sums.calls or run.usage.total_tokens > sums.total_tokens + known_since * sum(RESERVED):
        yield f"its total is {run.usage}, its lines say {sums}"


def _of_answers(found: Afternoon, run: Run, rows: list[events.Event]) -> Iterator[str]:
    """What somebody was told was taken is what the run goes on with, and nothing else is; a question has one answer."""
    answers = [row for row in rows if isinstance(row, events.Answered)]
    if twice := [path for path, times in Counter(row.activation for row in answers).items() if times > 1]:
        yield f"{twice[0]} was answered twice"
    said = found.people.said.get(run.id, [])
    heard = Counter(_number(row) for row in answers if row.by != NOBODY)
    if strange := heard - Counter(one.number for one in said if one.is_taken) - Counter(found.people.untold):
        yield f"it heard the answers {sorted(strange)}, which nobody was told are taken"
    if run.status is RunStatus.COMPLETED and (lost := [one for one in said if one.is_taken and one.number not in heard]):
        yield f"the answer {lost[0].number} to {lost[0].activation} was taken, and it never heard it"
    if late := [
        one.activation for one in said if one.is_taken and one.activation in {row.activation for row in answers if row.by == NOBODY}
    ]:
        yield f"the answer to {late[0]} was taken, and so was its default"


def _number(row: events.Answered) -> int:
    assert isinstance(row.answer, Mapping)
    return int(str(row.answer["number"]))
