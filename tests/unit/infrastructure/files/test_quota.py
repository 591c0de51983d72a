"""All workspaces of a tenant together take so much, and no more."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import ToolError
from domain.ids import TenantId, ThreadId
from infrastructure.tools.builtin.files import quota
from infrastructure.tools.builtin.files.quota import MEASURED_SECONDS, Quota
from tests.unit.infrastructure.files.place import Place, as_another


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


async def test_a_tenant_has_so_many_bytes_in_all_its_workspaces(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "TENANT_BYTES", 10)
    one, two = (as_another(thread=ThreadId(name)) for name in ("one", "two"))
    await place.made("files_write", one, path="f", content="123456")

    assert await place.refused("files_write", two, path="f", content="12345") == "tenant_full"
    await place.made("files_write", one, path="f", content="12345")
    await place.made("files_write", two, path="f", content="12345")
    assert await place.refused("files_patch", two, path="f", edits=[{"find": "1", "replace": "11"}]) == "tenant_full"
    await place.made("files_write", as_another(tenant=TenantId("other")), path="f", content="12345")


async def test_a_tenant_has_so_many_entries_and_workspaces_are_some(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "TENANT_ENTRIES", 4)
    one, two, three = (as_another(thread=ThreadId(name)) for name in ("one", "two", "three"))
    await place.made("files_write", one, path="a/f", content="")
    await place.made("files_list", two)

    assert await place.refused("files_write", two, path="f", content="") == "tenant_full"
    assert await place.refused("files_write", two, path="a/f", content="") == "tenant_full"
    assert await place.refused("files_list", three) == "tenant_full"
    await place.made("files_write", one, path="a/f", content="more")


def test_what_others_did_is_seen_when_it_is_measured_again(tmp_path: Path, folder: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "TENANT_BYTES", 10)
    times = [0.0]
    counted = Quota(lambda: times[0])
    counted.take(folder, 1, 8)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/f").write_text("12345678")

    with pytest.raises(ToolError, match="together take 10 bytes"):
        counted.take(folder, 1, 3)
    shutil.rmtree(tmp_path / "a")
    with pytest.raises(ToolError, match="together take 10 bytes"):
        counted.take(folder, 1, 3)
    times[0] = MEASURED_SECONDS
    counted.take(folder, 1, 10)
    (tmp_path / "f").write_text("12345678")
    times[0] += MEASURED_SECONDS
    with pytest.raises(ToolError, match="together take 10 bytes"):
        counted.take(folder, 1, 3)


def test_bytes_are_given_back(folder: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "TENANT_BYTES", 10)
    counted = Quota(lambda: 0.0)
    counted.take(folder, 1, 10)
    counted.take(folder, 0, -4)
    counted.take(folder, 1, 4)

    with pytest.raises(ToolError, match="together take 10 bytes"):
        counted.take(folder, 1, 1)
