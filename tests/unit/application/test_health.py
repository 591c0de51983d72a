"""Readiness, part by part."""

import asyncio

import pytest

from application.health import CheckReadiness
from domain.errors import DatabaseError
from domain.ports.repositories import Health


async def well() -> Health:
    return Health(True)


async def not_yet() -> Health:
    return Health(False, "run `weft db upgrade`")


async def failing() -> Health:
    raise DatabaseError("db.internal refused")


async def silent() -> Health:
    await asyncio.Event().wait()
    return Health(True)


async def test_everything_is_ready_when_every_part_is() -> None:
    assert (await CheckReadiness({"store": well, "worker": well})()).ready


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        pytest.param(not_yet, "run `weft db upgrade`", id="a part that says what to do"),
        pytest.param(failing, "it failed with database_unavailable: see the log", id="a part that fails, without its words"),
        pytest.param(silent, "no answer within 0.01 seconds", id="a part that never answers"),
    ],
)
async def test_one_part_that_is_not_ready_is_named_and_the_others_are_not(part: object, reason: str) -> None:
    found = await CheckReadiness({"store": part, "worker": well}, seconds=0.01)()  # type: ignore[dict-item]

    assert (found.ready, found.parts["store"].reason) == (False, reason)
    assert found.parts["worker"].ready


async def test_what_is_not_needed_makes_it_degraded_and_never_unready() -> None:
    found = await CheckReadiness({"store": well}, 0.01, {"redis": silent})()

    assert (found.ready, found.degraded) == (True, True)
    assert (found.parts["redis"].ready, found.parts["redis"].needed) == (False, False)


async def test_with_everything_there_nothing_is_degraded() -> None:
    found = await CheckReadiness({"store": well}, spared={"redis": well})()

    assert (found.ready, found.degraded) == (True, False)


async def test_not_ready_is_not_called_degraded() -> None:
    found = await CheckReadiness({"store": not_yet}, spared={"redis": not_yet})()

    assert (found.ready, found.degraded) == (False, False)
