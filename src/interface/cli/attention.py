"""What a service's runs need somebody to decide about."""

from collections.abc import Iterator
from itertools import islice

from interface.cli.client import Server, connected
from interface.cli.happenings import Members

KIND = "needs_attention"
HUMAN = "human"


def unknown_calls(server: str | None, key: str | None, workflow: str | None, limit: int) -> list[Members]:
    """Calls whose outcome nobody knows, of the newest runs first: `run`, `activation`, and what is known of each."""
    with connected(server, key) as there:
        found = ({"run": run, "activation": waiting["activation"], **waiting["about"]} for run, waiting in _found(there, workflow, KIND))
        return list(islice(found, limit))


def questions(server: str | None, key: str | None, workflow: str | None, limit: int) -> list[Members]:
    """What runs ask people, of the newest runs first; also runs in which something else goes on meanwhile."""
    with connected(server, key) as there:
        found = ({"run": run, **waiting} for run, waiting in _found(there, workflow, HUMAN, "parked", "running"))
        return list(islice(found, limit))


def _found(there: Server, workflow: str | None, kind: str, *statuses: str) -> Iterator[tuple[str, Members]]:
    """Runs, and what each of them waits for of this kind."""
    for status in statuses or ("parked",):
        for run in there.each("/v1/runs", 200, status=status, workflow=workflow):
            if kind in run["waits_for"]:
                for waiting in there.get(f"/v1/runs/{run['id']}")["waiting_for"]:
                    if waiting["kind"] == kind:
                        yield run["id"], waiting
