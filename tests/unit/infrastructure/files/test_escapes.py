"""A corpus of ways out of a workspace. None leads there: what lies outside is neither read nor changed, and nothing waits."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from domain.tool import ToolExecutionResult
from infrastructure.tools.builtin.files import entries
from tests.unit.infrastructure.files.place import CANARY, Place

DEVICE = Path("/dev/null").stat()
UP = ["..", "../", "./..", "../.", "a/..", "a/../..", "../..", "../../..", "a/../../..", "....//..", "..//..", "a/./../.."]
OUT = "outside/canary.txt"
AS_BYTES: Any = {"as": "base64"}
SPELLED = [
    *[f"{up}/{OUT}" for up in ("..", "../..", "../../..", "../../../..", "notes/../../../..", "./../../..", "notes/.././../../..")],
    *UP,
    *[f"/{'../' * depth}etc/passwd" for depth in range(3)],
    "/etc/passwd", "//etc/passwd", "///etc/passwd", "/proc/self/environ", "/proc/self/root/etc/passwd", "/proc/self/cwd", "/dev/null",
    "/dev/stdin", "/dev/fd/0", "BASE/outside/canary.txt", "BASE/root/acme/thread-t-1/../../../outside/canary.txt",
    "file:///etc/passwd", "file:BASE/outside/canary.txt", "~/canary.txt", "~root/canary.txt", "$HOME/canary.txt", "${PWD}/canary.txt",
    "%2e%2e/%2e%2e/%2e%2e/outside/canary.txt", "..%2f..%2f..%2foutside/canary.txt", "%252e%252e/outside/canary.txt",
    "..%c0%af..%c0%afoutside/canary.txt", "..\\..\\..\\outside\\canary.txt", "..\\/..\\/..\\/outside/canary.txt", "C:\\outside\\canary.txt",
    "\\\\server\\share", "..\x00/outside/canary.txt", "notes\x00/../../../outside/canary.txt", "../../../outside/canary.txt\x00.md",
    "..\n/outside", "..\r\n/outside", "..\t/outside", ".. /outside/canary.txt", " ../../../outside/canary.txt", ".../...//outside",
    "\u2025/\u2025/outside/canary.txt", "\uff0e\uff0e/\uff0e\uff0e/outside/canary.txt", "..\u2215..\u2215outside", "..\u2044outside",
    "\u202e../outside", "..\ufeff/outside", "\ud800/../outside", "notes/\udcff", "A" * 256, "\u00e9" * 128, "a/" * 40 + "b",
    "link", "link/", "link/.", "link/..", "folder", "folder/", "folder/canary.txt", "folder/./canary.txt", "folder//canary.txt",
    "notes/../folder/canary.txt", "folder/../outside/canary.txt", "up/outside/canary.txt", "up/root/acme/thread-t-1/link", "chain",
    "chain/canary.txt", "self", "self/self", "hard", "./hard", "dead", "dead/x", "fifo", "fifo/x", "socket", "notes", "notes/deep/link",
    "absolute", "proc/self/environ", "LINK", "Folder/canary.txt", "HARD", ".weft-patched", ".weft-unfinished-1", "notes/.weft-x",
    "", ".", "./", "/", "//",
]  # fmt: skip


@pytest.fixture
def trapped(place: Place) -> Iterator[Place]:
    """With links, hard links, a pipe and a socket in the workspace, as somebody else may have put them there."""
    here = place.workspace
    (here / "notes" / "deep").mkdir(parents=True)
    links = {
        "link": place.canary,
        "folder": place.base / "outside",
        "up": place.base,
        "self": Path("self"),
        "dead": Path("../../../new.txt"),
    }
    links |= {"chain": Path("folder"), "absolute": Path("/"), "proc": Path("/proc"), "notes/deep/link": place.canary}
    for name, to in links.items():
        (here / name).symlink_to(to)
    os.link(place.canary, here / "hard")
    os.mkfifo(here / "fifo")
    with socket.socket(socket.AF_UNIX) as listening, _in(here):
        listening.bind("socket")
        yield place


@contextmanager
def _in(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


async def every_call(place: Place, path: str) -> list[ToolExecutionResult]:
    return [
        await place.call("files_read", path=path),
        await place.call("files_read", path=path, **AS_BYTES),
        await place.call("files_write", path=path, content="mine"),
        await place.call("files_write", path=f"{path}/new.txt", content="mine"),
        await place.call("files_patch", path=path, edits=[{"find": "canary", "replace": "cat"}]),
        await place.call("files_list", folder=path, recursive=True),
        await place.call("files_search", folder=path, text="canary"),
    ]


def test_the_corpus_is_large() -> None:
    assert len(set(SPELLED)) >= 100


async def test_no_spelling_leads_out_of_the_workspace(trapped: Place) -> None:
    before = trapped.outside()

    async with asyncio.timeout(30):
        for spelled in SPELLED:
            for result in await every_call(trapped, spelled.replace("BASE", str(trapped.base))):
                assert CANARY not in str(result.output), spelled
                assert "dGhlIGNhbmFyeS" not in str(result.output), spelled
                assert result.error is None or result.error.code not in ("tool_failed", "timeout"), (spelled, result.error)

    assert trapped.outside() == before


@pytest.mark.parametrize(
    ("path", "code"),
    [
        pytest.param("../x", "outside_workspace", id="the folder above"),
        pytest.param("notes/../x", "outside_workspace", id="the folder above, though it would stay within"),
        pytest.param("/etc/passwd", "outside_workspace", id="an absolute path"),
        pytest.param("a\0b", "invalid_path", id="NUL"),
        pytest.param("x" * 256, "invalid_path", id="a name of 256 bytes"),
        pytest.param("link", "link_refused", id="a link to a file outside"),
        pytest.param("folder/canary.txt", "link_refused", id="a link to a folder outside"),
        pytest.param("self", "link_refused", id="a link to itself"),
        pytest.param("hard", "link_refused", id="a second name of a file outside"),
        pytest.param("fifo", "not_a_file", id="a pipe"),
        pytest.param("socket", "not_a_file", id="a socket"),
        pytest.param("notes", "not_a_file", id="a folder"),
        pytest.param(".weft-patched", "invalid_path", id="what the tools keep themselves"),
        pytest.param("LINK", "file_not_found", id="another case is another name"),
    ],
)
async def test_what_is_refused_says_why(trapped: Place, path: str, code: str) -> None:
    assert await trapped.refused("files_read", path=path) == code


async def test_a_device_is_not_even_opened(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.workspace.mkdir(parents=True)
    (place.workspace / "device").write_text("a device, as far as anybody can see")
    looked, really, opened = os.stat, os.open, list[object]()

    def opens(name: Any, *more: Any, **others: Any) -> int:
        opened.append(name)
        return really(name, *more, **others)

    monkeypatch.setattr(os, "stat", lambda name, **more: DEVICE if name == "device" else looked(name, **more))
    monkeypatch.setattr(os, "open", opens)

    assert await place.refused("files_read", path="device") == "not_a_file"
    assert "device" not in opened


async def test_a_listing_shows_links_and_follows_none(trapped: Place) -> None:
    listed = await trapped.made("files_list", recursive=True, limit=1000)

    kinds = {entry["path"]: entry["type"] for entry in listed["entries"]}
    assert kinds["folder"] == kinds["link"] == kinds["absolute"] == "link"
    assert kinds["fifo"] == kinds["socket"] == "other"
    assert not [path for path in kinds if path.startswith(("folder/", "up/", "absolute/", "proc/"))]


async def test_a_folder_that_is_swapped_for_a_link_meanwhile_lets_nobody_out(place: Place) -> None:
    """A thread swaps the folder for a link to the one outside, as fast as it can, while the tools look in it."""
    inside, aside = place.workspace / "swapped", place.workspace / "aside"
    inside.mkdir(parents=True)
    (inside / "canary.txt").write_text("mine")
    (place.workspace / "way-out").symlink_to(place.base / "outside")
    before, over, swaps = place.outside(), threading.Event(), 0

    def swap() -> None:
        nonlocal swaps
        while not over.is_set():
            for first, then in (
                (inside, aside),
                (place.workspace / "way-out", inside),
                (inside, place.workspace / "way-out"),
                (aside, inside),
            ):
                with suppress(OSError):
                    first.rename(then)
            swaps += 1

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for number in range(150):
            for result in await every_call(place, "swapped/canary.txt" if number % 2 else "swapped"):
                assert CANARY not in str(result.output)
    finally:
        over.set()
        swapping.join()

    assert swaps > 10
    assert place.outside() == before


async def test_a_file_that_becomes_a_link_between_the_look_and_the_opening_is_not_read(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.made("files_write", path="f", content="mine")
    really = entries.find

    def swap_behind(here: int, name: str, path: str) -> os.stat_result | None:
        found = really(here, name, path)
        os.unlink(name, dir_fd=here)
        os.symlink(place.canary, name, dir_fd=here)
        return found

    monkeypatch.setattr(entries, "find", swap_behind)

    assert await place.refused("files_read", path="f") == "link_refused"


async def test_a_workspace_that_is_itself_a_link_is_refused(place: Place) -> None:
    place.workspace.parent.mkdir(parents=True)
    place.workspace.symlink_to(place.base / "outside")

    assert await place.refused("files_read", path="canary.txt") == "link_refused"
    assert await place.refused("files_write", path="canary.txt", content="mine") == "link_refused"
