"""What is committed is delivered, whoever dies in between."""

from typing import Any

import pytest

from tests.integration.processes.graphs import chain
from tests.integration.processes.site import Site
from tests.servers import web
from tests.servers.receiver import receiving
from tests.servers.rest import Rest
from tests.servers.until import until

pytestmark = pytest.mark.processes
DATABASES = ("postgres",)
"""Where many processes share one; what each database does is in the suites of the store."""

PRIVATE: dict[str, Any] = {"WEFT_WEBHOOKS_PRIVATE": "true"}
TIME_HAS_PASSED = "UPDATE webhook_deliveries SET due_at = due_at - 30 WHERE due_at IS NOT NULL"


def deliveries(service: Rest, webhook: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = web.get(f"{service.url}/v1/webhooks/{webhook}/deliveries").json()["items"]
    return items


def test_an_event_whose_worker_is_killed_while_it_is_sent_arrives_after_a_restart(site: Site) -> None:
    with receiving() as receiver:
        service = Rest(site.commands.serve("--no-worker", **PRIVATE).url())
        webhook = service.post("/v1/webhooks", {"url": f"{receiver.url}/held", "events": ["run.completed"]})
        (worker,) = site.workers(1, **PRIVATE)
        run = service.start(chain("one", "two"))
        until(lambda: receiver.of("/held"), "the event, which is not answered")

        worker.kill()
        (owed,) = deliveries(service, webhook["id"])
        receiver.gate.set()
        site.change(TIME_HAS_PASSED)
        site.workers(1, **PRIVATE)
        until(lambda: deliveries(service, webhook["id"])[0]["state"] == "delivered", "that it is delivered")

        first, second = receiver.of("/held")
        assert (owed["state"], owed["tries"], service.run(run)["status"]) == ("pending", 0, "completed")
        assert (first.id, first.body) == (second.id, second.body)
        assert first.id == owed["id"]
        assert second.told["data"]["run"]["id"] == run
        assert second.told["data"]["run"]["output"] == {"calls": ["one", "two"]}
        assert second.is_signed_with(webhook["secret"])


def test_an_event_that_was_committed_before_anybody_could_send_it_arrives(site: Site) -> None:
    """The worker that ends the run may not go where the webhook points; the next one may."""
    with receiving() as receiver:
        service = Rest(site.commands.serve("--no-worker", **PRIVATE).url())
        webhook = service.post("/v1/webhooks", {"url": receiver.url, "events": ["run.completed"]})
        (worker,) = site.workers(1)
        run = service.start(chain("one"))
        until(lambda: deliveries(service, webhook["id"])[:1] and deliveries(service, webhook["id"])[0]["tries"], "a try")
        worker.kill()
        (refused,) = deliveries(service, webhook["id"])
        assert "not a public address" in refused["attempts"][0]["error"]
        assert not receiver.received

        site.change(TIME_HAS_PASSED)
        site.workers(1, **PRIVATE)
        (received,) = until(lambda: receiver.received, "the event")
        assert (received.id, received.told["data"]["run"]["id"]) == (refused["id"], run)
