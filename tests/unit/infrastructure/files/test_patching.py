"""Patches of files: all places or none, and once for each key."""

import os
from typing import Any

import pytest

from tests.unit.infrastructure.files.place import Place, as_another

X_TO_XY: Any = [{"find": "x", "replace": "xy"}]


def _broken(*_: object, **__: object) -> None:
    raise OSError("the machine was switched off")


async def patched(place: Place, key: str, find: str, replace: str) -> Any:
    return await place.made("files_patch", as_another(idempotency_key=key), path="f", edits=[{"find": find, "replace": replace}])


async def ends_before_the_file_is_changed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    really = os.rename
    with monkeypatch.context() as broken:
        broken.setattr(os, "rename", lambda one, to, **more: _broken() if to == "f" else really(one, to, **more))
        assert await place.refused("files_patch", as_another(idempotency_key="K1"), path="f", edits=X_TO_XY) == "tool_failed"


async def test_a_patch_is_made_whole_or_not_at_all(place: Place) -> None:
    await place.made("files_write", path="f", content="red, green, blue")
    edits = [{"find": "red", "replace": "blue"}, {"find": "green", "replace": ""}]

    assert await place.refused("files_patch", path="f", edits=[*edits, {"find": "yellow", "replace": ""}]) == "edit_not_found"
    assert await place.refused("files_patch", path="f", edits=[*edits, {"find": "blue", "replace": ""}]) == "edit_not_unique"
    assert (place.workspace / "f").read_text() == "red, green, blue"
    await place.made("files_patch", path="f", edits=edits)
    assert (place.workspace / "f").read_text() == "blue, , blue"


async def test_texts_that_overlap_are_there_twice(place: Place) -> None:
    await place.made("files_write", path="f", content="aaa")

    assert await place.refused("files_patch", path="f", edits=[{"find": "aa", "replace": "b"}]) == "edit_not_unique"


async def test_a_patch_that_comes_again_with_its_key_is_not_made_twice(place: Place) -> None:
    await place.made("files_write", path="f", content="x")
    edits = [{"find": "x", "replace": "xy"}]
    first = await place.made("files_patch", path="f", edits=edits)

    assert await place.made("files_patch", path="f", edits=edits) == first
    assert (place.workspace / "f").read_text() == "xy"
    await place.made("files_patch", as_another(idempotency_key="next"), path="f", edits=edits)
    assert (place.workspace / "f").read_text() == "xyy"


async def test_a_patch_that_ended_before_the_file_was_changed_is_made_when_it_comes_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.made("files_write", path="f", content="x")
    await ends_before_the_file_is_changed(place, monkeypatch)
    await patched(place, "K1", "x", "xy")

    assert (place.workspace / "f").read_text() == "xy"


async def test_a_patch_that_comes_again_after_another_is_not_made_twice(place: Place) -> None:
    await place.made("files_write", path="f", content="total: 1")
    first = await patched(place, "K1", "total:", "- charged; total:")
    await patched(place, "K2", "1", "2")

    assert await patched(place, "K1", "total:", "- charged; total:") == first
    assert (place.workspace / "f").read_text() == "- charged; total: 2"


async def test_a_patch_that_another_undid_is_not_made_twice(place: Place) -> None:
    await place.made("files_write", path="f", content="x")
    first = await patched(place, "K1", "x", "xy")
    await patched(place, "K2", "xy", "x")

    assert await patched(place, "K1", "x", "xy") == first
    assert (place.workspace / "f").read_text() == "x"


async def test_a_patch_whose_file_is_gone_by_now_was_made_all_the_same(place: Place) -> None:
    await place.made("files_write", path="f", content="x")
    first = await patched(place, "K1", "x", "xy")
    (place.workspace / "f").unlink()

    assert await patched(place, "K1", "x", "xy") == first
    assert await place.refused("files_patch", as_another(idempotency_key="K2"), path="f", edits=X_TO_XY) == "file_not_found"


async def test_a_patch_that_was_not_made_before_another_came_is_made_when_it_comes_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.made("files_write", path="f", content="x")
    await ends_before_the_file_is_changed(place, monkeypatch)
    await patched(place, "K2", "x", "-x")
    await patched(place, "K1", "x", "xy")

    assert (place.workspace / "f").read_text() == "-xy"
