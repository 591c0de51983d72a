"""One try over a real connection."""

import socket
from collections.abc import Iterator

import pytest

from infrastructure.clock import SystemClock
from infrastructure.outgoing.addresses import Addresses, Allowed
from infrastructure.webhooks.sender import KEPT_BYTES, HttpSender
from tests.servers.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened


@pytest.fixture
def sender() -> HttpSender:
    return HttpSender(Addresses(Allowed(private=True)), SystemClock(), seconds=5.0)


async def test_headers_and_body_arrive_as_they_are(receiver: Receiver, sender: HttpSender) -> None:
    url = receiver.url.replace("127.0.0.1", "localhost")
    attempt = await sender.send(f"{url}/hook?a=1", {"webhook-id": "evt_1"}, b'{"x": 1}')

    (received,) = receiver.received
    assert (attempt.status_code, attempt.error) == (204, "")
    assert (received.path, received.body, received.id) == ("/hook?a=1", b'{"x": 1}', "evt_1")
    assert received.headers["host"] == url.removeprefix("http://")


async def test_a_redirect_is_an_answer_and_not_followed(receiver: Receiver, sender: HttpSender) -> None:
    receiver.statuses, receiver.location = [302], f"{receiver.url}/elsewhere"
    attempt = await sender.send(receiver.url, {}, b"{}")

    assert (attempt.status_code, attempt.succeeded) == (302, False)
    assert len(receiver.received) == 1


async def test_of_a_long_answer_the_beginning_is_kept(receiver: Receiver, sender: HttpSender) -> None:
    receiver.statuses, receiver.answer = [500], b"no\x00" + b"x" * 1_000_000
    attempt = await sender.send(receiver.url, {}, b"{}")

    assert (attempt.status_code, attempt.answer) == (500, "no�" + "x" * (KEPT_BYTES - 3))


async def test_a_receiver_that_does_not_answer_is_given_up_in_time(receiver: Receiver) -> None:
    attempt = await HttpSender(Addresses(Allowed(private=True)), SystemClock(), seconds=0.2).send(f"{receiver.url}/held", {}, b"{}")

    assert (attempt.status_code, attempt.error) == (None, "no answer within 0.2 s")
    assert 0.2 <= attempt.seconds < 2.0


async def test_what_cannot_be_reached_says_so(sender: HttpSender) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        attempt = await sender.send(f"http://127.0.0.1:{nobody.getsockname()[1]}/", {}, b"{}")

    assert attempt.status_code is None
    assert "cannot be reached" in attempt.error


async def test_a_private_address_is_not_even_connected_to(receiver: Receiver) -> None:
    attempt = await HttpSender(Addresses(), SystemClock()).send(receiver.url, {}, b"{}")

    assert (attempt.status_code, receiver.received) == (None, [])
    assert "not a public address" in attempt.error
