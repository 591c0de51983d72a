"""What the checker holds the ledger of tokens to: each answer that a model gave is charged once, also when nobody heard it."""

from collections import Counter, defaultdict

from tests.integration.faults.evidence import FINAL, Breaches, Evidence, node_of
from tests.integration.faults.ledger import Call

MOST_RESERVED = 6_000
"""Tokens: the longest answer, and the prompts of the load."""


def every_token_is_charged_once(seen: Evidence) -> Breaches:
    """The number of tokens says which answer a charge is for. An answer that did not arrive (its call was cancelled, a wire broke) has an
    estimated line; one to a process that was lost has a line at what was reserved for it, flagged `unknown`."""
    answers = {call.tokens: call for call in seen.calls if call.what == "model"}
    charged: Counter[int] = Counter()
    for charge in seen.charges:
        if charge.estimated:
            continue
        charged[charge.tokens] += 1
        if charge.tokens not in answers or answers[charge.tokens].run != charge.run:
            yield f"{charge.activation} of run {charge.run} was charged {charge.tokens} tokens that nobody used for it"
    yield from (f"answer {tokens} was charged {count} times" for tokens, count in charged.items() if count > 1)
    guessed = Counter(
        (charge.run, node_of(charge.activation)) for charge in seen.charges if charge.estimated and charge.state != "reserved"
    )
    for call in lost_charges(seen):
        guessed[call.run, call.node] -= 1
        if guessed[call.run, call.node] < 0:
            yield f"answer {call.tokens} to {call.node} of run {call.run} was never charged; process {call.pid} had asked"


def nothing_stays_reserved_and_only_what_was_lost_is_unknown(seen: Evidence) -> Breaches:
    """Whoever takes a run over settles what was reserved before: one call of an activation at most, the last that its worker made."""
    threads = {row.run: row.thread for row in seen.journal}
    newest: dict[str, int] = defaultdict(int)
    for thread, epoch in seen.claims:
        newest[thread] = max(newest[thread], epoch)
    last: dict[tuple[str, str, int], int] = defaultdict(int)
    for charge in seen.charges:
        last[charge.made_by] = max(last[charge.made_by], charge.attempt)
    for charge in seen.charges:
        where = f"attempt {charge.attempt} of {charge.activation} of run {charge.run}, epoch {charge.epoch},"
        if charge.state == "reserved" and seen.runs.get(charge.run) in FINAL:
            yield f"{where} is still reserved, and the run is over"
        if charge.state != "unknown":
            continue
        if charge.epoch >= newest[threads.get(charge.run, "")]:
            yield f"{where} is unknown, and nobody took the run over"
        if last[charge.made_by] != charge.attempt:
            yield f"{where} is unknown, and its worker went on"


def lost_charges(seen: Evidence) -> list[Call]:
    """Answers of the model that no line names."""
    charged = {charge.tokens for charge in seen.charges if not charge.estimated}
    return [call for call in seen.calls if call.what == "model" and call.tokens not in charged]


def totals_say_what_the_lines_say(seen: Evidence) -> Breaches:
    """A run's public total is the sum of its lines, late ones of a lost lease aside. It stays at what was reserved for a lost call when the
    one who made it comes back and knows better."""
    sums: dict[str, int] = defaultdict(int)
    unknown: Counter[str] = Counter()
    for charge in seen.charges:
        sums[charge.run] += charge.tokens + charge.completion
        unknown[charge.run] += charge.state == "unknown"
    for run, outcome in seen.outcomes.items():
        used = outcome["usage"]["prompt_tokens"] + outcome["usage"]["completion_tokens"]
        known_since = max(outcome["usage"].get("unknown", 0) - unknown[run], 0)
        if used > sums[run] + known_since * MOST_RESERVED:
            yield f"run {run} says {used} tokens, its lines say {sums[run]}"
