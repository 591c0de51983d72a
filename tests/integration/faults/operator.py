"""The person who decides about payments whose end nobody knows: looks into the ledger, and says what it says."""

from dataclasses import dataclass, field
from typing import Any

from tests.integration.faults.cluster import Cluster
from tests.servers import web

PARKED = "status = 'parked' AND convert_from(outcome, 'UTF8') LIKE '%needs_attention%'"
"""Runs that wait for a decision, and legally so."""


@dataclass(slots=True)
class Operator:
    cluster: Cluster
    decided: dict[str, int] = field(default_factory=lambda: {"happened": 0, "did_not_happen": 0})

    def decide_all(self) -> int:
        """One decision for each run that waits for one now; how many."""
        waiting = [row[0] for row in self.cluster.database.ask(f"SELECT id FROM runs WHERE {PARKED}")]  # noqa: S608 (words of ours)
        paid = {(call.run, call.activation): call.answer for call in self.cluster.ledger.calls() if call.what == "pay"}
        for run in waiting:
            self._decide(run, paid)
        return len(waiting)

    def _decide(self, run: str, paid: dict[tuple[str, str], str]) -> None:
        url = f"{self.cluster.urls[0]}/v1/runs/{run}"
        for what in web.get(url, timeout=30).raise_for_status().json()["waiting_for"]:
            if what["kind"] != "needs_attention":
                continue
            answer = paid.get((run, what["activation"]))
            decision: dict[str, Any] = {"activation": what["activation"], "decision": "did_not_happen"}
            if answer is not None:
                decision |= {"decision": "happened", "output": {"answer": answer}}
            answered = web.post(f"{url}/resolve", json=decision, timeout=30)
            assert answered.is_success, answered.text
            self.decided[decision["decision"]] += 1
