"""The one checker: what must hold after every scenario, whatever was done. Each promise is a function that names every breach of it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

from tests.integration.faults.charges import (
    every_token_is_charged_once,
    nothing_stays_reserved_and_only_what_was_lost_is_unknown,
    totals_say_what_the_lines_say,
)
from tests.integration.faults.evidence import FINAL, Breaches, Evidence, Row, node_of
from tests.integration.faults.ledger import Call
from tests.integration.faults.load import SEEN, VISITS

ENDS_NODE = ("node_finished", "node_failed", "terminated")


def acknowledged_runs_exist(seen: Evidence) -> Breaches:
    for ack in seen.said("ack"):
        if ack["run"] not in seen.runs:
            yield f"run {ack['run']} was acknowledged under {ack['key']} and does not exist"


def every_run_is_final_or_waits_for_an_operator(seen: Evidence) -> Breaches:
    for run, status in seen.runs.items():
        kinds = {waiting["kind"] for waiting in seen.outcomes[run]["waiting_for"]}
        legally_parked = status == "parked" and "needs_attention" in kinds
        if status not in FINAL and not legally_parked:
            yield f"run {run} is {status}, waiting for {kinds or 'nothing'}"
        if status in FINAL and run in seen.queued:
            yield f"run {run} is {status} and still in the queue"


def one_run_per_key(seen: Evidence) -> Breaches:
    by_key: dict[str, set[str]] = defaultdict(set)
    for ack in seen.said("ack"):
        by_key[ack["key"]].add(ack["run"])
    for run, given in seen.inputs.items():
        if "account" in given:
            by_key[given["account"]].add(run)
    for key, runs in by_key.items():
        if len(runs) > 1:
            yield f"{key} started {len(runs)} runs: {sorted(runs)}"


def one_result_per_activation(seen: Evidence) -> Breaches:
    results = Counter((row.run, row.body["activation"]) for row in seen.journal if row.kind in ENDS_NODE)
    for (run, activation), count in results.items():
        if count > 1:
            yield f"{activation} of run {run} has {count} results"


def journals_have_no_gaps_and_are_never_changed(seen: Evidence) -> Breaches:
    ends: dict[str, int] = defaultdict(int)
    for row in seen.journal:
        if row.position != ends[row.thread] + 1:
            yield f"thread {row.thread}: {row.position} follows {ends[row.thread]}"
        ends[row.thread] = row.position
    for thread, position in seen.heads.items():
        if position != ends[thread]:
            yield f"thread {thread}: its head says {position}, its last row is {ends[thread]}"
    for thread, position, what in seen.tampered:
        yield f"thread {thread}: row {position} had an {what}"


def nobody_writes_without_the_newest_lease(seen: Evidence) -> Breaches:
    for thread, position, epoch, process in seen.writes:
        if (owner := seen.claims.get((thread, epoch))) != process:
            yield f"thread {thread}: row {position} was written by {process} while {owner} held epoch {epoch}"


def one_end_and_nothing_after_it(seen: Evidence) -> Breaches:
    for run, rows in seen.rows_of.items():
        ends = [row for row in rows if row.kind == "run_ended"]
        if len(ends) > 1 or (ends and rows[-1] is not ends[0]):
            yield f"run {run} has {len(ends)} ends, its last row is {rows[-1].kind}"
        if (seen.runs.get(run) in FINAL) != bool(ends):
            yield f"run {run} is {seen.runs.get(run)} and has {len(ends)} ends"
        if ends and ends[0].body["status"] != seen.runs.get(run):
            yield f"run {run} is {seen.runs.get(run)}, its last row says {ends[0].body['status']}"


def inputs_are_the_committed_outputs_upstream(seen: Evidence) -> Breaches:
    """Whose answer was committed was called with what the journal held where it read the state."""
    for run, rows in seen.rows_of.items():
        answers: dict[str, list[Call]] = defaultdict(list)
        for call in seen.calls_of.get(run, ()):
            answers[call.answer].append(call)
        state: dict[int, dict[str, str]] = {0: {"account": str(seen.inputs[run].get("account", ""))}}
        for row in rows:
            now = state[row.position] = dict(state.get(row.position - 1, state[0]))
            if row.kind != "node_finished" or row.body["activation"].count("/") > 1:
                continue  # a child frame has a state of its own
            node = node_of(row.body["activation"])
            answer = row.body["updates"].get(node)
            if node in SEEN and not str(answer).startswith(node):
                before = state[row.body["read_at"]]
                yield from _checked(row, answers.get(answer, []), [before.get(channel, "") for channel in SEEN[node]])
            now.update(row.body["updates"])


def _checked(row: Row, calls: list[Call], expected: list[str]) -> Breaches:
    where = f"{row.body['activation']} of run {row.run}"
    if not calls:
        yield f"{where} committed an answer that nobody gave"
    for call in calls:
        if call.seen != expected:
            yield f"{where} was called with {call.seen}, the journal holds {expected}"


def effects_keep_their_word(seen: Evidence) -> Breaches:
    """An idempotent tool sees one key per activation, and under it one question; a `once` tool is called once."""
    by_activation: dict[tuple[str, str, str], list[Call]] = defaultdict(list)
    for call in seen.calls:
        if call.what in ("put", "pay"):
            by_activation[call.run, call.activation, call.what].append(call)
    owners: dict[str, tuple[str, str]] = {}
    for (run, activation, what), calls in by_activation.items():
        if len({call.key for call in calls}) > 1 or len({str(call.seen) for call in calls}) > 1:
            yield f"{activation} of run {run} asked {what} under {sorted({call.key for call in calls})} for {[call.seen for call in calls]}"
        if what == "pay" and len(calls) > 1 and not _was_told_to(seen, run, activation, len(calls)):
            yield f"{activation} of run {run} called a once tool {len(calls)} times"
        for call in calls:
            if owners.setdefault(call.key, (run, activation)) != (run, activation):
                yield f"the key {call.key} belongs to {owners[call.key]} and to {(run, activation)}"


def _was_told_to(seen: Evidence, run: str, activation: str, times: int) -> bool:
    """An operator said that it had not happened."""
    decisions = [row for row in seen.rows_of[run] if row.kind == "effect_resolved" and row.body["activation"] == activation]
    return len([row for row in decisions if row.body["decision"] == "did_not_happen"]) == times - 1


def readers_get_exactly_the_rows(seen: Evidence) -> Breaches:
    read: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for line in seen.said("row"):
        read[line["run"]].append((line["position"], line["type"]))
    for run, got in read.items():
        kept = [(row.position, row.kind) for row in seen.rows_of.get(run, ())]
        if got != kept and seen.runs.get(run) in FINAL:
            yield f"a reader of run {run} got {got}, its rows are {kept}"


def nobody_was_refused(seen: Evidence) -> Breaches:
    for line in [*seen.said("refused"), *seen.said("gave up")]:
        yield f"{line['path']} was answered {line.get('status', 'by nobody')}: {line.get('body', '')}"


def receivers_hear_of_every_run(seen: Evidence) -> Breaches:
    """At least once of its start and of its end, each under one id, and the same words at every try."""
    if not seen.webhooks:
        return
    taken: dict[tuple[str, str], set[str]] = defaultdict(set)
    words: dict[str, set[str]] = defaultdict(set)
    for call in seen.calls:
        if call.what == "hook":
            words[call.key].add(call.seen)
            if call.answer == "204":
                taken[call.run, call.node].add(call.key)
    yield from (f"{key} was told in {len(bodies)} versions" for key, bodies in words.items() if len(bodies) > 1)
    for run, rows in seen.rows_of.items():
        ends = [(f"run.{row.body['status']}", f"evt_{run}_{row.position}_{row.body['status']}") for row in rows if row.kind == "run_ended"]
        for event, key in ends:
            if taken[run, event] != {key}:
                yield f"{event} of run {run} was taken under {sorted(taken[run, event])}, not once and for all under {key}"
        if len(taken[run, "run.started"]) != 1:
            yield f"run.started of run {run} was taken under {sorted(taken[run, 'run.started'])}"


PROMISES: Mapping[str, Callable[[Evidence], Breaches]] = {
    promise.__name__: promise
    for promise in (
        acknowledged_runs_exist,
        every_run_is_final_or_waits_for_an_operator,
        one_run_per_key,
        one_result_per_activation,
        journals_have_no_gaps_and_are_never_changed,
        nobody_writes_without_the_newest_lease,
        one_end_and_nothing_after_it,
        inputs_are_the_committed_outputs_upstream,
        effects_keep_their_word,
        every_token_is_charged_once,
        nothing_stays_reserved_and_only_what_was_lost_is_unknown,
        totals_say_what_the_lines_say,
        readers_get_exactly_the_rows,
        nobody_was_refused,
        receivers_hear_of_every_run,
    )
}


def breaches(seen: Evidence) -> dict[str, list[str]]:
    """By promise; empty when all hold."""
    found = {name: list(promise(seen)) for name, promise in PROMISES.items()}
    return {name: broken for name, broken in found.items() if broken}


def check(seen: Evidence) -> None:
    """AssertionError with the first breaches of every promise that was broken."""
    broken = breaches(seen)
    lines = [f"{name}: {len(found)} breaches\n    " + "\n    ".join(found[:5]) for name, found in broken.items()]
    assert not broken, "\n".join(lines)


def visits_of(seen: Evidence, run: str) -> list[str]:
    """Nodes that finished, as often as they did, in the order of their names."""
    activations = [row.body["activation"] for row in seen.rows_of[run] if row.kind == "node_finished"]
    return sorted(node_of(path) for path in activations)


def check_standard(seen: Evidence, count: int) -> None:
    """So many runs, each complete as without any fault."""
    assert len(seen.runs) == count, f"{len(seen.runs)} runs, not {count}"
    for run, status in seen.runs.items():
        assert status == "completed", f"run {run} {status}: {seen.outcomes[run]['failure']}"
        assert visits_of(seen, run) == VISITS, f"run {run} visited {visits_of(seen, run)}"
