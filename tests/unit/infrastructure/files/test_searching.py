"""What lies in a workspace is looked through, at a small price."""

import os
import tracemalloc
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from infrastructure.tools.builtin.files.places import Workspace
from infrastructure.tools.builtin.files.quota import Quota
from infrastructure.tools.builtin.files.searching import LONGEST_LINE, search_files
from infrastructure.tools.builtin.files.walking import walk
from tests.unit.infrastructure.files.place import Place

AS_BYTES: Any = {"as": "base64"}


async def test_a_search_finds_lines(place: Place) -> None:
    await place.made("files_write", path="a.md", content="one\nTODO: two\r\nthree todo\n")
    await place.made("files_write", path="b/c.txt", content="TODO")
    await place.made("files_write", path="raw", content=b64encode(b"TODO\xff").decode(), **AS_BYTES)

    found = await place.made("files_search", text="TODO")
    assert found == {
        "matches": [{"path": "a.md", "line": 2, "text": "TODO: two"}, {"path": "b/c.txt", "line": 1, "text": "TODO"}],
        "searched": 2,
        "complete": True,
    }
    assert [one["line"] for one in (await place.made("files_search", text="todo", pattern="*.md", ignore_case=True))["matches"]] == [2, 3]
    assert [one["line"] for one in (await place.made("files_search", regex="^t.*o$", ignore_case=True, folder="b"))["matches"]] == [1]
    assert (await place.made("files_search", text="TODO", limit=1))["complete"] is False


@pytest.mark.parametrize("regex", ["(", r"(a)\1", "(?=a)", r"\w{1000}", "(?x)a {9}"])
async def test_a_regular_expression_that_could_take_for_ever_is_refused(place: Place, regex: str) -> None:
    assert await place.refused("files_search", regex=regex) == "invalid_regex"


async def test_a_nested_repetition_searches_in_no_time(place: Place) -> None:
    await place.made("files_write", path="f", content="a" * 9_000 + "b")

    assert (await place.made("files_search", regex="^(a+)+$"))["matches"] == []


async def test_a_search_looks_at_the_beginning_of_a_long_line(place: Place) -> None:
    await place.made("files_write", path="f", content="é" * (LONGEST_LINE - 1) + "xyz" + "é" * 4 * LONGEST_LINE + "\nz")

    assert [one["line"] for one in (await place.made("files_search", text="x"))["matches"]] == [1]
    assert [one["line"] for one in (await place.made("files_search", regex="z$"))["matches"]] == [2]


async def test_a_text_of_characters_that_are_cut_anywhere_is_text(place: Place) -> None:
    await place.made("files_write", path="f", content="a" + "\U0001f331" * 300_000 + "\nTODO")

    assert [one["line"] for one in (await place.made("files_search", text="TODO"))["matches"]] == [2]


def test_a_search_holds_one_line_at_a_time(tmp_path: Path) -> None:
    place = Workspace(tmp_path, "acme", "thread-t", Quota())
    (tmp_path / "acme/thread-t").mkdir(parents=True)
    (tmp_path / "acme/thread-t/f").write_text("ab\n" * 200_000)

    tracemalloc.start()
    try:
        found: Any = search_files(place, {"text": "c"})
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (found["searched"], found["matches"]) == (1, [])
    assert most < 5_000_000


def test_a_walk_has_few_folders_open_however_deep_they_are(tmp_path: Path) -> None:
    deep = tmp_path
    for number in range(20):
        (deep / "a-file").touch()
        (deep / "z-file").touch()
        deep = deep / f"folder-{number}"
        deep.mkdir()
    top = os.open(tmp_path, os.O_RDONLY)
    try:
        found = [(entry.path, entry.within, os.stat(entry.name, dir_fd=entry.within)) for entry in walk(top)]
    finally:
        os.close(top)

    assert [path for path, _, _ in found] == sorted((path for path, _, _ in found), key=lambda path: path.split("/"))
    assert len(found) == 60
    assert len({within for _, within, _ in found}) <= 4
