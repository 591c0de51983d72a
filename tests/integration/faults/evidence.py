"""All that is known after a scenario, read from whoever knows it: the database, the ledger, the clients."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from tests.integration.faults.cluster import Cluster
from tests.integration.faults.ledger import Call


@dataclass(frozen=True, slots=True)
class Row:
    """One of the journal."""

    thread: str
    position: int
    run: str
    kind: str
    body: Mapping[str, Any]


Breaches: TypeAlias = Iterator[str]
FINAL: Final = ("completed", "failed", "cancelled")
_CHARGES: Final = """SELECT run, activation, attempt, epoch, prompt_tokens, completion_tokens, estimated, state
    FROM usage WHERE state <> 'void'"""


class Charge(NamedTuple):
    """One line of the ledger of tokens; those that are void aside. `tokens`: of the prompt."""

    run: str
    activation: str
    attempt: int
    epoch: int
    tokens: int
    completion: int
    estimated: bool
    state: str

    @property
    def made_by(self) -> tuple[str, str, int]:
        """For which activation, under which epoch."""
        return self.run, self.activation, self.epoch


@dataclass(frozen=True)
class Evidence:
    """`runs`: id -> status. `told`: clients' own notes. `webhooks`: those that want to hear of every run."""

    runs: Mapping[str, str]
    outcomes: Mapping[str, Mapping[str, Any]]
    inputs: Mapping[str, Mapping[str, Any]]
    journal: Sequence[Row]
    charges: Sequence[Charge]
    heads: Mapping[str, int]
    queued: frozenset[str]
    claims: Mapping[tuple[str, int], str]
    writes: Sequence[tuple[str, int, int, str]]
    tampered: Sequence[tuple[str, int, str]]
    calls: Sequence[Call]
    told: Sequence[Mapping[str, Any]]
    killed: frozenset[int] = field(default_factory=frozenset)
    webhooks: Sequence[str] = ()

    def errors(self) -> dict[str, int]:
        """How many runs failed of what."""
        return dict(Counter(outcome["failure"]["code"] for outcome in self.outcomes.values() if outcome["failure"]))

    @cached_property
    def rows_of(self) -> Mapping[str, Sequence[Row]]:
        """Run -> its rows, in order."""
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.journal:
            found[row.run].append(row)
        return found

    @cached_property
    def calls_of(self) -> Mapping[str, Sequence[Call]]:
        found: dict[str, list[Call]] = defaultdict(list)
        for call in self.calls:
            found[call.run].append(call)
        return found

    def said(self, what: str) -> list[Mapping[str, Any]]:
        return [line for line in self.told if line["what"] == what]


def gather(cluster: Cluster) -> Evidence:
    """Everything is quiet by now, or what it does does not matter."""
    ask = cluster.database.ask
    runs = ask("SELECT id, status, asked, outcome FROM runs")
    journal = ask("SELECT thread, position, run, kind, body FROM journal ORDER BY thread, position")
    return Evidence(
        runs={row[0]: row[1] for row in runs},
        outcomes={row[0]: json.loads(row[3]) for row in runs},
        inputs={row[0]: json.loads(row[2])["input"] for row in runs},
        journal=[Row(row[0], row[1], row[2], row[3], json.loads(row[4])) for row in journal],
        charges=[Charge(*row) for row in ask(_CHARGES)],
        heads={row[0]: row[1] for row in ask("SELECT thread, position FROM heads")},
        queued=frozenset(row[0] for row in ask("SELECT run FROM queue")),
        claims={(row[0], row[1]): row[2] for row in ask("SELECT thread, epoch, process FROM rig.claims")},
        writes=[tuple(row) for row in ask("SELECT thread, position, epoch, process FROM rig.writes")],
        tampered=[tuple(row) for row in ask("SELECT thread, position, what FROM rig.tampered")],
        calls=cluster.ledger.calls(),
        told=[line for file in sorted(cluster.folder.glob("client-*.jsonl")) for line in lines_of(file)],
        killed=frozenset(cluster.killed),
        webhooks=[row[0] for row in ask("SELECT id FROM webhooks")],
    )


def lines_of(file: Path) -> list[dict[str, Any]]:
    """Whole lines only: somebody may be writing."""
    whole = file.read_text().rpartition("\n")[0].splitlines() if file.exists() else []
    return [json.loads(line) for line in whole]


def node_of(activation: str) -> str:
    return activation.rpartition("/")[2].partition("#")[0]
