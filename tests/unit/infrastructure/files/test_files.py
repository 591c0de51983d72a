"""The files of a workspace: read, written, listed, searched and patched."""

import asyncio
import os
import threading
from base64 import b64encode
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from domain.acting import Acting
from domain.ids import SessionId, TenantId, ThreadId
from infrastructure.schemas import JsonSchemas
from infrastructure.tools.builtin.files import file_tools, reading, walking, writing
from infrastructure.tools.builtin.files.bounds import MAX_FILE
from infrastructure.tools.calling import CheckedTool
from tests.unit.infrastructure.files.place import CONTEXT, Place, as_another
from tests.unit.infrastructure.tool_calls import NOON, HandClock

AS_BYTES: Any = {"as": "base64"}


async def test_what_is_written_is_read(place: Place) -> None:
    written = await place.made("files_write", path="a/b/c.txt", content="grüße\n")
    read = await place.made("files_read", path="./a//b/c.txt")

    digest = sha256("grüße\n".encode()).hexdigest()
    assert written == {"path": "a/b/c.txt", "bytes": 8, "sha256": digest, "created": True}
    assert read == {"path": "a/b/c.txt", "content": "grüße\n", "bytes": 8, "sha256": digest, "next_offset": None}
    assert (place.workspace / "a/b/c.txt").stat().st_mode & 0o777 == 0o600


async def test_a_file_is_read_in_pieces_that_cut_no_character(place: Place) -> None:
    await place.made("files_write", path="long", content="é" * 11)
    pieces, offset = [], 0
    while offset is not None:
        piece = await place.made("files_read", path="long", offset=offset, limit=5)
        pieces.append(piece["content"])
        offset = piece["next_offset"]

    assert "".join(pieces) == "é" * 11
    assert len(pieces) == 6


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a\0b", b"\xc3"], ids=["no UTF-8", "NUL", "half a character"])
async def test_bytes_that_are_no_text_are_read_as_base64(place: Place, content: bytes) -> None:
    await place.made("files_write", path="raw", content=b64encode(content).decode(), **AS_BYTES)

    assert await place.refused("files_read", path="raw") == "not_text"
    assert (await place.made("files_read", path="raw", **AS_BYTES))["content"] == b64encode(content).decode()


async def test_a_file_is_only_replaced_when_it_is_what_was_expected(place: Place) -> None:
    first = await place.made("files_write", path="f", content="one", expect="absent")
    assert await place.refused("files_write", path="f", content="two", expect="absent") == "file_changed"
    assert await place.refused("files_write", path="f", content="two", expect="0" * 64) == "file_changed"
    await place.made("files_write", path="f", content="two", expect=first["sha256"])

    assert (place.workspace / "f").read_text() == "two"


async def test_a_write_that_comes_again_finds_its_work_done(place: Place) -> None:
    await place.made("files_write", path="f", content="one", expect="absent")
    again = await place.made("files_write", path="f", content="one", expect="absent")

    assert again["created"] is False


async def test_a_write_that_ends_in_between_leaves_the_old_file_and_is_swept_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await place.made("files_write", path="f", content="old")
    with monkeypatch.context() as broken:
        broken.setattr(os, "rename", _broken)
        assert await place.refused("files_write", path="f", content="new") == "tool_failed"
    assert (place.workspace / "f").read_text() == "old"
    assert len(list(place.workspace.iterdir())) == 2

    await place.made("files_write", path="g", content="new")

    assert sorted(path.name for path in place.workspace.iterdir()) == ["f", "g"]


def _broken(*_: object, **__: object) -> None:
    raise OSError("the machine was switched off")


async def test_of_two_who_expect_the_same_file_one_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both would find it as they expect, if the second could look before the first has written."""
    first, really, both = await place.made("files_write", path="f", content="0"), reading.whole, threading.Barrier(2)

    def together(file: int, path: str) -> bytes:
        found = really(file, path)
        with suppress(threading.BrokenBarrierError):
            both.wait(0.1)
        return found

    monkeypatch.setattr(writing, "whole", together)
    results = await asyncio.gather(*(place.call("files_write", path="f", content=text, expect=first["sha256"]) for text in "12"))

    assert sorted(result.error.code if result.error else "" for result in results) == ["", "file_changed"]


async def test_runs_of_a_thread_share_a_workspace_and_others_do_not(place: Place) -> None:
    await place.made("files_write", path="f", content="mine")
    of_session = as_another(acting=Acting(SessionId("s"), "ann", None))

    assert (await place.made("files_read", as_another(idempotency_key="other"), path="f"))["content"] == "mine"
    for other in (as_another(thread=ThreadId("t-2")), as_another(tenant=TenantId("other")), of_session, as_another(run=None, thread=None)):
        assert await place.refused("files_read", other, path="f") == "file_not_found"
    assert await place.refused("files_read", as_another(thread=None), path="f") == "no_workspace"


async def test_a_session_has_one_workspace_for_all_its_threads(place: Place) -> None:
    acting = Acting(SessionId("s"), "ann", None)
    await place.made("files_write", as_another(acting=acting), path="f", content="mine")

    assert (await place.made("files_read", as_another(acting=acting, thread=ThreadId("t-2")), path="f"))["content"] == "mine"


@pytest.mark.parametrize("tenant", ["..", ".", "a/../../b", "ACME", "a\0b", "x" * 300, "\ud800", ""])
async def test_no_name_of_a_tenant_leads_elsewhere(place: Place, tenant: str) -> None:
    await place.made("files_write", path="f", content="acme's")
    before = place.outside()
    await place.made("files_write", as_another(tenant=TenantId(tenant)), path="f", content="theirs")

    added = set(place.outside()) - set(before)
    assert all(Path(path).is_relative_to(place.base / "root") for path in added)
    assert (place.workspace / "f").read_text() == "acme's"


async def test_without_a_root_the_tools_say_what_to_set() -> None:
    for one in file_tools(None):
        example = one.tool.examples[0]["arguments"]
        assert isinstance(example, dict)
        result = await CheckedTool.of(one, JsonSchemas()).call(example, CONTEXT, HandClock())
        assert result.error is not None
        assert (result.error.code, "WEFT_WORKSPACES" in result.error.message) == ("no_workspace", True)


async def test_a_workspace_takes_so_many_bytes_and_files(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MAX_WORKSPACE", 10)
    monkeypatch.setattr(writing, "MAX_ENTRIES", 3)
    await place.made("files_write", path="a/one", content="12345")

    assert await place.refused("files_write", path="a/two", content="123456") == "workspace_full"
    assert await place.refused("files_write", path="b/c/two", content="1") == "workspace_full"
    await place.made("files_write", path="a/two", content="12345")
    assert await place.refused("files_write", path="a/three", content="") == "workspace_full"
    await place.made("files_write", path="a/two", content="1234")
    assert sorted(path.name for path in place.workspace.iterdir()) == ["a"]


async def test_a_file_that_is_too_long_is_neither_written_nor_patched(place: Place) -> None:
    place.workspace.mkdir(parents=True)
    with (place.workspace / "big").open("wb") as file:
        file.truncate(MAX_FILE + 1)

    assert await place.refused("files_patch", path="big", edits=[{"find": "a", "replace": "b"}]) == "file_too_large"
    assert await place.refused("files_write", path="f", content="\ud800") == "invalid_arguments"


async def test_a_listing_comes_in_pages(place: Place) -> None:
    for path in ("b/one.md", "b/two.txt", "a.md", "b.md", "b/c/three.md"):
        await place.made("files_write", path=path, content=path)

    flat = await place.made("files_list")
    assert [(entry["path"], entry["type"], entry["bytes"]) for entry in flat["entries"]] == [
        ("a.md", "file", 4), ("b", "folder", 0), ("b.md", "file", 4),
    ]  # fmt: skip
    below = await place.made("files_list", folder="b", recursive=True, pattern="*.md")
    assert [entry["path"] for entry in below["entries"]] == ["b/c/three.md", "b/one.md"]

    paged, after = [], ""
    while after is not None:
        page = await place.made("files_list", recursive=True, limit=2, after=after)
        paged += [entry["path"] for entry in page["entries"]]
        after = page["next"]
    assert paged == ["a.md", "b", "b/c", "b/c/three.md", "b/one.md", "b/two.txt", "b.md"]


async def test_a_workspace_that_others_filled_is_looked_at_up_to_a_bound(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "MOST_SEEN", 10)
    place.workspace.mkdir(parents=True)
    for number in range(20):
        (place.workspace / f"{number:02}").touch()
    (place.workspace / os.fsdecode(b"\xff")).touch()

    assert len((await place.made("files_list", recursive=True))["entries"]) == 10


async def test_the_examples_say_what_happens(place: Place) -> None:
    for name in ("files_write", "files_read", "files_list", "files_search", "files_patch"):
        (example,) = place.tools[name].tool.examples
        arguments: Any = example["arguments"]
        if name == "files_list":
            os.utime(place.workspace / "notes/today.md", (NOON.timestamp(), NOON.timestamp()))
        assert await place.made(name, as_another(idempotency_key=name), **arguments) == example["output"], name
