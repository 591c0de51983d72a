"""What a service's runs need somebody to decide about."""

from collections.abc import Iterator
from itertools import islice

from interface.cli.client import Server, connected
from interface.cli.happenings import Members

KIND = "needs_attention"


def unknown_calls(server: str | None, key: str | None, workflow: str | None, limit: int) -> list[Members]:
    """Calls whose outcome nobody knows, of the newest runs first: `run`, `activation`, and what is known of each."""
    with connected(server, key) as there:
        return list(islice(_found(there, workflow), limit))


def _found(there: Server, workflow: str | None) -> Iterator[Members]:
    for run in there.each("/v1/runs", 200, status="parked", workflow=workflow):
        if KIND in run["waits_for"]:
            for waiting in there.get(f"/v1/runs/{run['id']}")["waiting_for"]:
                if waiting["kind"] == KIND:
                    yield {"run": run["id"], "activation": waiting["activation"], **waiting["about"]}
