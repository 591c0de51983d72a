"""Requests over real connections: where they may end, what they may carry there, and how much may come back."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from infrastructure.outgoing.addresses import Addresses, Allowed, Refused
from infrastructure.outgoing.door import Door
from infrastructure.outgoing.messages import MAX_REDIRECTS, Ask, NotAnswered
from tests.servers.speaker import Heard, Speaker, answer, moved, speaking
from tests.unit.infrastructure.outgoing.test_addresses import CORPUS


@pytest.fixture
async def here() -> AsyncIterator[Speaker]:
    async with speaking() as speaker:
        yield speaker


@pytest.fixture
async def trap() -> AsyncIterator[Speaker]:
    """What nothing may reach."""
    async with speaking() as speaker:
        yield speaker


def door_to(*speakers: Speaker) -> Door:
    return Door(Addresses(Allowed(names=tuple(speaker.place for speaker in speakers))))


async def ask(speaker: Speaker, path: str = "/", **more: Any) -> Any:
    return await door_to(speaker).ask(Ask(f"{speaker.url}{path}", **more))


async def test_a_request_arrives_as_it_was_meant(here: Speaker) -> None:
    here.said = answer(b"hello", 201, X_Here="1")
    found = await ask(here, "/a/ü?q=ä&r=%20", method="POST", headers={"X-Asked": "yes", "Host": "evil"}, body=b"{}")

    (heard,) = here.heard
    assert (heard.method, heard.target, heard.body) == ("POST", "/a/%C3%BC?q=%C3%A4&r=%20", b"{}")
    assert (heard.headers["host"], heard.headers["x-asked"], heard.headers["content-length"]) == (here.place, "yes", "2")
    assert (found.status, found.body, found.headers["x-here"], found.is_cut) == (201, b"hello", "1", False)


async def test_nothing_is_remembered_and_nothing_taken_from_the_environment(
    here: Speaker, trap: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, trap.url)
    here.said = answer(b"", Set_Cookie="a=1")
    door = door_to(here)
    for _ in range(2):
        await door.ask(Ask(here.url))

    assert [heard.headers.get("cookie") for heard in here.heard] == [None, None]
    assert (here.connections, trap.connections) == (2, 0)


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_are_followed_within_an_origin(self, here: Speaker, status: int) -> None:
        async def say(heard: Heard, writer: asyncio.StreamWriter) -> None:
            writer.write(moved("../there", status) if heard.target == "/a/b" else answer(b"found"))

        here.said = say
        found = await ask(here, "/a/b", headers={"Authorization": "Bearer a"})

        assert (found.body, found.url) == (b"found", f"{here.url}/there")
        assert [heard.headers["authorization"] for heard in here.heard] == ["Bearer a", "Bearer a"]

    @pytest.mark.parametrize(
        ("status", "method", "body"), [(302, "GET", b""), (303, "GET", b""), (307, "POST", b"{}"), (308, "POST", b"{}")]
    )
    async def test_change_a_post_as_browsers_do(self, here: Speaker, status: int, method: str, body: bytes) -> None:
        async def say(heard: Heard, writer: asyncio.StreamWriter) -> None:
            writer.write(moved("/there", status) if heard.target == "/" else answer())

        here.said = say
        await ask(here, method="POST", body=b"{}", headers={"Content-Type": "application/json"})

        assert (here.heard[1].method, here.heard[1].body) == (method, body)
        assert ("content-type" in here.heard[1].headers) == bool(body)

    async def test_that_never_end_are_given_up(self, here: Speaker) -> None:
        here.said = moved("/again")
        with pytest.raises(NotAnswered) as found:
            await ask(here)
        assert (found.value.code, here.connections) == ("too_many_redirects", MAX_REDIRECTS + 1)

    async def test_to_another_origin_carry_no_credentials(self, here: Speaker, trap: Speaker) -> None:
        here.said = moved(f"{trap.url}/there")
        told = {"Authorization": "Bearer a", "cookie": "b", "X-API-Key": "c", "Private-Token": "d", "Accept": "text/html"}
        await door_to(here, trap).ask(Ask(here.url, headers=told))

        (heard,) = trap.heard
        assert {name: heard.headers.get(name.lower()) for name in told} == {**dict.fromkeys(told), "Accept": "text/html"}

    async def test_are_read_in_the_letters_they_were_written_in(self, here: Speaker) -> None:
        async def say(heard: Heard, writer: asyncio.StreamWriter) -> None:
            writer.write(moved("/café") if heard.target == "/" else answer())

        here.said = say
        await ask(here, headers={"X-Name": "é"})
        assert [heard.target for heard in here.heard] == ["/", "/caf%C3%A9"]

    async def test_take_nothing_to_another_origin_that_does_more_than_read(self, here: Speaker, trap: Speaker) -> None:
        here.said = moved(trap.url, 307)
        with pytest.raises(Refused, match="another origin") as found:
            await door_to(here, trap).ask(Ask(here.url, "POST", body=b"{}"))
        assert (trap.connections, found.value.may_have_arrived) == (0, True)

    async def test_that_lead_nowhere_do_not_undo_what_arrived_before(self, here: Speaker) -> None:
        async with speaking() as gone:
            pass
        here.said = moved(gone.url, 303)
        with pytest.raises(NotAnswered) as found:
            await door_to(here, gone).ask(Ask(here.url, headers={}))
        assert (found.value.code, found.value.may_have_arrived) == ("connection_failed", True)

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_lead_to_no_forbidden_address_in_any_spelling(self, here: Speaker, trap: Speaker, status: int) -> None:
        door = door_to(here)
        for host in CORPUS:
            here.said = moved(f"http://{host}:{trap.port}/", status)
            with pytest.raises((Refused, NotAnswered)):
                await door.ask(Ask(here.url, seconds=5))
        assert (here.connections, trap.connections) == (len(CORPUS), 0)

    @pytest.mark.parametrize(
        "location",
        ["file:///etc/passwd", "gopher://127.0.0.1/", "javascript:1", "//user@127.0.0.1/", "http://user:word@example.com/", "http://[::1"],
    )
    async def test_lead_to_nothing_but_plain_urls(self, here: Speaker, location: str) -> None:
        here.said = moved(location)
        with pytest.raises(Refused):
            await ask(here)

    async def test_are_answers_where_none_are_to_be_followed(self, here: Speaker) -> None:
        here.said = moved("/there")
        assert (await ask(here, redirects=0)).status == 302


class TestRebinding:
    async def test_the_address_that_was_checked_is_the_one_that_is_connected_to(self) -> None:
        async with speaking("127.0.0.2") as good, speaking("127.0.0.1", good.port) as trap:
            asked: list[str] = []

            async def resolve(host: str, port: int) -> Sequence[str]:
                asked.append(host)
                return ["127.0.0.2"] if len(asked) % 2 else ["127.0.0.1"]

            door = Door(Addresses(Allowed(names=("127.0.0.2",)), resolve))
            for number in range(20):
                if number % 2:
                    with pytest.raises(Refused):
                        await door.ask(Ask(f"http://turning.test:{good.port}/"))
                else:
                    assert (await door.ask(Ask(f"http://turning.test:{good.port}/"))).status == 204

            assert (len(asked), good.connections, trap.connections) == (20, 10, 0)

    async def test_another_address_is_tried_when_the_first_does_not_answer(self, here: Speaker) -> None:
        async def resolve(host: str, port: int) -> Sequence[str]:
            return ["127.0.0.9", "127.0.0.1"]

        door = Door(Addresses(Allowed(private=True), resolve))
        assert (await door.ask(Ask(f"http://two.test:{here.port}/"))).status == 204


class TestSizes:
    @pytest.mark.parametrize("encoding", ["identity", "gzip", "deflate", "raw deflate"])
    async def test_a_body_is_unpacked_and_counted_as_it_is_then(self, here: Speaker, encoding: str) -> None:
        text = b"a sentence, " * 2_000
        raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        packed = {
            "identity": text,
            "gzip": gzip.compress(text),
            "deflate": zlib.compress(text),
            "raw deflate": raw.compress(text) + raw.flush(),
        }
        here.said = answer(packed[encoding], Content_Encoding=encoding.removeprefix("raw "))

        assert (await ask(here, most=len(text))).body == text
        assert (await ask(here, most=1_000, cut=True)).body == text[:1_000]
        with pytest.raises(NotAnswered) as found:
            await ask(here, most=len(text) - 1)
        assert found.value.code == "answer_too_large"

    async def test_packings_may_follow_each_other_and_each_has_an_end(self, here: Speaker) -> None:
        one, other = gzip.compress(b"one, " * 100), gzip.compress(b"other")
        here.said = answer(one + other, Content_Encoding="gzip")
        assert (await ask(here)).body == b"one, " * 100 + b"other"
        here.said = answer(one[:-10], Content_Encoding="gzip")
        with pytest.raises(NotAnswered, match="ends before"):
            await ask(here)

    async def test_a_bomb_is_put_out_before_it_goes_off(self, here: Speaker) -> None:
        pack = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
        bomb = b"".join(pack.compress(bytes(1024 * 1024)) for _ in range(1024)) + pack.flush()
        here.said = answer(bomb, Content_Encoding="gzip")
        tracemalloc.start()
        try:
            with pytest.raises(NotAnswered) as found:
                await ask(here, most=1024 * 1024)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert (len(bomb) < 2 * 1024 * 1024, found.value.code) == (True, "answer_too_large")
        assert peak < 16 * 1024 * 1024

    async def test_what_is_packed_in_an_unknown_way_is_not_taken(self, here: Speaker) -> None:
        for encoding in ("br", "gzip, gzip", "x"):
            here.said = answer(b"abc", Content_Encoding=encoding)
            with pytest.raises(NotAnswered) as found:
                await ask(here)
            assert found.value.code == "unknown_encoding"
        here.said = answer(b"no gzip", Content_Encoding="gzip")
        with pytest.raises(NotAnswered, match="not packed as it says"):
            await ask(here)
        assert (await ask(here, unpacked=False)).body == b"no gzip"

    async def test_a_flood_ends_where_it_is_long_enough(self, here: Speaker) -> None:
        async def flood(heard: Heard, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 So\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
                await writer.drain()

        here.said = flood
        found = await ask(here, most=100_000, cut=True)
        assert (len(found.body), found.is_cut) == (100_000, True)

    async def test_headers_have_a_limit(self, here: Speaker) -> None:
        many: dict[str, Any] = {f"x_{number}": "a" * 1_000 for number in range(90)}
        here.said = answer(b"", **many)
        with pytest.raises(NotAnswered) as found:
            await ask(here)
        assert found.value.code == "answer_too_large"


class TestSilence:
    async def test_who_never_answers_is_given_up_in_time(self, here: Speaker) -> None:
        async def hold(heard: Heard, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(30)

        here.said = hold
        with pytest.raises(NotAnswered) as found:
            await ask(here, seconds=0.5)
        assert (found.value.code, found.value.may_have_arrived) == ("timeout", True)

    async def test_who_drips_is_given_up_in_time(self, here: Speaker) -> None:
        async def drip(heard: Heard, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 So\r\nContent-Length: 100000\r\n\r\n")
            while True:
                writer.write(b".")
                await writer.drain()
                await asyncio.sleep(0.02)

        here.said = drip
        with pytest.raises(NotAnswered) as found:
            await ask(here, seconds=0.5)
        assert found.value.code == "timeout"

    @pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 So\r\nContent-Length: 10\r\n\r\nabc", b"nonsense\r\n\r\n", b"\x16\x03\x01\x00"])
    async def test_who_breaks_off_or_says_nonsense_is_told_apart_from_who_is_not_there(self, here: Speaker, said: bytes) -> None:
        here.said = said
        with pytest.raises(NotAnswered) as found:
            await ask(here)
        assert (found.value.code, found.value.may_have_arrived) == ("connection_lost", True)

    async def test_who_is_not_reached_in_time_heard_nothing(self, here: Speaker) -> None:
        async def resolve(host: str, port: int) -> Sequence[str]:
            await asyncio.sleep(30)
            return []

        with pytest.raises(NotAnswered) as found:
            await Door(Addresses(resolve=resolve)).ask(Ask("http://slow.test/", seconds=0.05))
        assert (found.value.code, found.value.may_have_arrived) == ("connection_failed", False)

    async def test_who_is_not_there_heard_nothing(self) -> None:
        async with speaking() as gone:
            pass
        with pytest.raises(NotAnswered) as found:
            await ask(gone)
        assert (found.value.code, found.value.may_have_arrived) == ("connection_failed", False)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"headers": {"X": "a\r\nHost: b"}}, id="a line in a value"),
        pytest.param({"headers": {"X": "a\nb"}}, id="half a line"),
        pytest.param({"headers": {"X": "a\x00"}}, id="a zero"),
        pytest.param({"headers": {"X": "\u2028"}}, id="another alphabet"),
        pytest.param({"headers": {"X\r\nHost: b": "a"}}, id="a line in a name"),
        pytest.param({"headers": {"X Y": "a"}}, id="a blank in a name"),
        pytest.param({"headers": {"": "a"}}, id="no name"),
        pytest.param({"headers": {"X": "a" * 70_000}}, id="a long value"),
        pytest.param({"method": "GET / HTTP/1.1\r\nX:"}, id="a line in a method"),
        pytest.param({"method": "CONNECT"}, id="a tunnel"),
    ],
)
async def test_a_request_cannot_become_two(here: Speaker, wrong: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        await ask(here, **wrong)
    assert here.connections == 0
