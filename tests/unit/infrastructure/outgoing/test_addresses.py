"""Where nothing is sent: addresses in every spelling, names that lead to them, URLs that are none."""

import itertools
from collections.abc import Iterator, Sequence

import pytest

from infrastructure.outgoing.addresses import Addresses, Allowed, Place, Refused, is_public, place_of

NOT_PUBLIC = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255"),  # noqa: S104
    *("192.168.0.1", "192.168.255.255", "169.254.0.1", "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200"),
    *("100.127.255.254", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.1"),
    *("203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
]
NOT_PUBLIC_SIX = [
    *("::", "::1", "fe80::1", "febf::1", "fec0::1", "fc00::1", "fd00::1", "fd00:ec2::254", "ff01::1", "ff02::1", "ff0e::1"),
    *(
        "100::1",
        "2001:db8::1",
        "2001:10::1",
        "2001:2::1",
        "5f00::1",
        "4000::1",
        "::ffff:0:127.0.0.1",
        "3fff::1",
        "64:ff9b:1:a00:0:100:808:808",
    ),
]
WITHIN = ["::ffff:{}", "::{}", "64:ff9b::{}"]
"""How an IPv4 address is written inside an IPv6 one."""


def spellings(address: str) -> Iterator[str]:
    """Of an IPv4 address, as resolvers take them: in one number, in two and three, in octal and hexadecimal, and mixed."""
    a, b, c, d = (int(part) for part in address.split("."))
    whole = (a << 24) | (b << 16) | (c << 8) | d
    yield from (str(whole), hex(whole), f"0{whole:o}", f"0X{whole:X}")
    yield from (f"{a}.{(b << 16) | (c << 8) | d}", f"{a}.{b}.{(c << 8) | d}", f"{hex(a)}.{b}.{c}.{d}", f"0{a:o}.0{b:o}.0{c:o}.0{d:o}")
    yield from (f"{a:#x}.{b:#x}.{c:#x}.{d:#x}", f"000{a:o}.{b}.{c}.{d:#x}", f"{address}.")


CORPUS = [
    *NOT_PUBLIC,
    *(
        spelled
        for address in ("127.0.0.1", "169.254.169.254", "10.0.0.1", "192.168.1.1", "100.100.100.200")
        for spelled in spellings(address)
    ),
    *(f"[{address}]" for address in NOT_PUBLIC_SIX),
    *(f"[{form.format(address)}]" for form, address in itertools.product(WITHIN, NOT_PUBLIC)),
    *(f"[2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1]" for a, b, c, d in [(127, 0, 0, 1), (10, 0, 0, 1), (169, 254, 169, 254), (192, 168, 1, 1)]),
    *(
        "[2001:0:5ef5:79fb:0:0:80ff:fffe]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "[::FFFF:7F00:1]",
    ),
    *("localhost", "LOCALHOST", "localhost.", "a.localhost", "a.b.localhost.", "localhost.localdomain", "x.localdomain"),
    *("１２７.0.0.1", "127。0。0。1", "①②⑦.0.0.1", "ｌｏｃａｌｈｏｓｔ", "loc\u00adalhost", "0x7f.1", "127.1", "0", "0x0", "017700000001"),  # noqa: RUF001
]


async def nobody(host: str, port: int) -> Sequence[str]:
    raise AssertionError(f"{host} was looked up")


def test_the_corpus_is_a_corpus() -> None:
    assert len(set(CORPUS)) >= 200


@pytest.mark.parametrize("host", CORPUS)
async def test_no_spelling_of_an_address_that_is_not_public_is_let_through(host: str) -> None:
    url = f"http://{host}/hook"
    objection = Addresses(resolve=nobody).objection(url)
    assert objection is not None
    assert "WEFT_HTTP_PRIVATE" in objection
    with pytest.raises(Refused):
        await Addresses(resolve=nobody).find(place_of(url))


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "2130706433", "localhost"])
def test_everything_is_let_through_where_all_is_allowed(host: str) -> None:
    assert Addresses(Allowed(private=True)).objection(f"http://{host}/hook") is None


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://example.com", "file:///etc/passwd", "gopher://example.com", "http://", "http:///x", "//example.com", "example.com", ""),
        *("https://user:word@example.com/", "https://user@example.com/", "http://@example.com/", "http://example.com:80@127.0.0.1/"),
        *("http://[::1", "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://a:99999/", "http://a:b/", "http://a:-1/"),
        *(
            "http://exa mple.com/",
            "http://example.com/\r\nHost: a",
            "http://example.com/\x00",
            "http://example.com\\@127.0.0.1/",
            "http:\\\\a",
        ),
        *(
            "http://example.com\t.evil/",
            "http://%31%32%37.0.0.1/",
            "http://a%00b/",
            "http://" + "a" * 9_000,
            "http://\u2025/",
            "javascript:1",
            "http://" + "a" * 64 + ".test/",
            "http://" + "a.b" * 100 + "/",
            "http://example.com/\ud800",
        ),
    ],
)
def test_what_is_no_plain_url_is_refused_whatever_is_allowed(url: str) -> None:
    assert Addresses(Allowed(private=True)).objection(url) is not None


@pytest.mark.parametrize(
    "url",
    [
        *("https://example.com/hook", "http://93.184.215.14:8080/", "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/?a=b#c"),
        *("https://bücher.example/", "http://[64:ff9b::5db8:d70e]/", "http://[::ffff:93.184.215.14]/", "http://1.1.1.1"),
    ],
)
def test_public_places_are_not_refused(url: str) -> None:
    assert Addresses().objection(url) is None


@pytest.mark.parametrize("address", ["8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.255.255", "100.128.0.0", "2606:4700::1111", "2a00::1"])
def test_what_is_beside_a_private_network_is_public(address: str) -> None:
    assert is_public(address)


async def test_a_name_with_one_address_that_is_not_public_is_refused() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["93.184.215.14", "10.0.0.7"] if host == "mixed.test" else ["93.184.215.14", "93.184.215.15"]

    addresses = Addresses(resolve=resolve)
    with pytest.raises(Refused, match=r"mixed\.test \(10\.0\.0\.7\)"):
        await addresses.find(Place("https", "mixed.test", 443))
    assert await addresses.find(Place("https", "fine.test", 443)) == ["93.184.215.14", "93.184.215.15"]


@pytest.mark.parametrize(
    ("name", "host", "port", "is_let_in"),
    [
        ("inner.test", "inner.test", 80, True),
        ("Inner.Test", "inner.test", 8080, True),
        ("inner.test:8080", "inner.test", 8080, True),
        ("inner.test:8080", "inner.test", 80, False),
        ("inner.test", "other.test", 80, False),
        ("test", "inner.test", 80, False),
        ("10.0.0.0/8", "other.test", 80, True),
        ("10.0.0.7", "other.test", 80, True),
        ("10.0.1.0/24", "other.test", 80, False),
        ("fd00::/8", "other.test", 80, False),
    ],
)
async def test_what_is_not_public_is_reached_where_it_is_allowed_by_name(name: str, host: str, port: int, is_let_in: bool) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["10.0.0.7"]

    found = Addresses(Allowed(names=(name,)), resolve).find(Place("http", host, port))
    if is_let_in:
        assert await found == ["10.0.0.7"]
    else:
        with pytest.raises(Refused):
            await found


@pytest.mark.parametrize(
    ("host", "is_known"),
    [
        ("api.test", True),
        ("api.test.", True),
        ("a.shop.test", True),
        ("a.b.shop.test", True),
        ("shop.test", False),
        ("evilshop.test", False),
        ("api.test.evil", False),
    ],
)
def test_where_hosts_are_listed_no_other_is_reached(host: str, is_known: bool) -> None:
    addresses = Addresses(Allowed(hosts=("Api.test", "*.shop.test")))
    assert (addresses.objection(f"https://{host}/") is None) == is_known
