"""Where webhooks may not go."""

import socket

import pytest

from infrastructure.webhooks.addresses import Addresses, Refused


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "any.localhost",
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "0.0.0.0",  # noqa: S104 - what must be refused
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[ff02::1]",
    ],
)
def test_an_address_that_is_not_public_is_refused_unless_it_is_allowed(host: str) -> None:
    url = f"http://{host}/hook"

    objection = Addresses().objection(url)
    assert objection is not None
    assert "WEFT_WEBHOOKS_PRIVATE" in objection
    assert Addresses(private=True).objection(url) is None


@pytest.mark.parametrize(
    "url", ["ftp://example.com", "file:///etc/passwd", "http://", "https://user:word@example.com/", "http://[::1", "http://a:99999/"]
)
def test_what_is_no_plain_http_url_is_refused_whatever_is_allowed(url: str) -> None:
    assert Addresses(private=True).objection(url) is not None


@pytest.mark.parametrize(
    "url", ["https://example.com/hook", "http://93.184.215.14:8080/", "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/"]
)
def test_public_places_are_not_refused(url: str) -> None:
    assert Addresses().objection(url) is None


async def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolved(host: str, port: int, *more: object, **told: object) -> list[tuple[object, ...]]:
        found = ["93.184.215.14", "10.0.0.7"] if host == "mixed.test" else ["93.184.215.14"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)

    with pytest.raises(Refused, match=r"10\.0\.0\.7"):
        await Addresses().find("https://mixed.test/hook")
    found = await Addresses().find("https://fine.test/hook")
    assert (found.host, found.address, found.port) == ("fine.test", "93.184.215.14", 443)
