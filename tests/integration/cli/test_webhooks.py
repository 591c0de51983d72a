"""`weft webhooks`, against a receiver that is somebody else."""

import json

import pytest

from tests.integration.cli.command import COUNTING, Weft
from tests.servers.receiver import receiving
from tests.servers.rest import Rest
from tests.servers.until import until

pytestmark = pytest.mark.processes


def test_a_receiver_that_fails_first_gets_the_same_event_until_it_takes_it(weft: Weft) -> None:
    with receiving() as receiver:
        receiver.statuses, receiver.answer = [500], b"not yet"
        url = weft.commands.serve(WEFT_WEBHOOKS_PRIVATE="true").url()
        made = json.loads(weft("webhooks", "create", receiver.url, "--event", "run.completed", "--json", "--server", url).out)
        weft("publish", weft.write("counting.yaml", COUNTING), "--server", url)
        run = Rest(url).post("/v1/runs?wait=30", {"workflow": "counting"})["id"]
        until(lambda: len(receiver.received) == 2, "a try and another one")

        until(lambda: "delivered" in weft("webhooks", "deliveries", made["id"], "--server", url).out, "that it is delivered")
        log = weft("webhooks", "deliveries", made["id"], "--run", run, "--json", "--server", url)
        (delivery,) = json.loads(log.out)
        assert [(one["status_code"], one["answer"]) for one in delivery["attempts"]] == [(500, "not yet"), (204, "")]
        assert weft("webhooks", "redeliver", made["id"], delivery["id"], "--server", url).out == f"{delivery['id']} is sent again\n"
        until(lambda: len(receiver.received) == 3, "the redelivery")
        assert {(one.id, one.body) for one in receiver.received} == {(delivery["id"], receiver.received[0].body)}
        assert all(one.is_signed_with(made["secret"]) for one in receiver.received)
        assert receiver.received[0].told["data"]["run"]["id"] == run

        assert "is sent" in weft("webhooks", "test", made["id"], "--server", url).out
        tested = until(lambda: receiver.received[3:], "the test")
        assert tested[0].told["type"] == "webhook.test"
        assert receiver.url in weft("webhooks", "list", "--server", url).out
        assert weft("webhooks", "delete", made["id"], "--server", url).out == f"webhook {made['id']} is deleted\n"


def test_where_only_this_machine_can_go_is_refused(weft: Weft) -> None:
    url = weft.commands.serve().url()
    refused = weft("webhooks", "create", "http://127.0.0.1:9/", "--server", url)

    assert (refused.code, "WEFT_WEBHOOKS_PRIVATE" in refused.err) == (2, True)


def test_a_secret_is_rotated_and_both_sign(weft: Weft) -> None:
    with receiving() as receiver:
        url = weft.commands.serve(WEFT_WEBHOOKS_PRIVATE="true").url()
        made = weft("webhooks", "create", receiver.url, "--json", "--server", url).json
        new = weft("webhooks", "rotate", made["id"], "--json", "--server", url).json
        weft("webhooks", "test", made["id"], "--server", url)
        (told,) = until(lambda: receiver.received, "the test")

    assert made["secret"] != new["secret"]
    assert told.is_signed_with(made["secret"])
    assert told.is_signed_with(new["secret"])


def test_a_webhook_that_is_disabled_hears_of_nothing_until_it_is_enabled(weft: Weft) -> None:
    with receiving() as receiver:
        url = weft.commands.serve(WEFT_WEBHOOKS_PRIVATE="true").url()
        made = weft("webhooks", "create", receiver.url, "--event", "run.completed", "--json", "--server", url).json["id"]
        weft("publish", weft.write("counting.yaml", COUNTING), "--server", url)
        there = Rest(url)
        assert weft("webhooks", "disable", made, "--server", url).out == f"webhook {made} is disabled\n"
        there.post("/v1/runs?wait=30", {"workflow": "counting"})
        assert weft("webhooks", "enable", made, "--server", url).out == f"webhook {made} is enabled\n"
        run = there.post("/v1/runs?wait=30", {"workflow": "counting"})["id"]
        until(lambda: receiver.received, "the second run")

    assert [one.told["data"]["run"]["id"] for one in receiver.received] == [run]
