"""Server-sent events: every row once, over any number of connections."""

import asyncio
from random import Random

import pytest

from domain.errors import DatabaseError
from interface.rest.app import RestSettings
from tests.integration.rest.service import Service, adder, open_service
from tests.integration.rest.streaming import ServerSent, listening
from tests.integration.rest.worker import HandWorker


async def started(service: Service) -> HandWorker:
    await service.publish(adder())
    await service.start({"workflow": "adder", "input": {"x": 1}})
    return await service.worker()


async def finish(worker: HandWorker, steps: int, chance: Random) -> None:
    await worker.begin()
    for number in range(steps):
        await worker.step(number, heard=chance.random() < 0.7)
        await asyncio.sleep(0)
    await worker.end({"x": 2})


async def some_of(service: Service, path: str, after: int, at_most: int, chance: Random) -> list[ServerSent]:
    """What one connection brings before it hangs up. Both ways to resume say the same."""
    query, headers = ("", {"Last-Event-ID": str(after)}) if chance.random() < 0.5 else (f"after={after}", {})
    seen: list[ServerSent] = []
    async with listening(service, path, query, headers) as here:
        async for event in here.events():
            seen.append(event)
            if len(seen) >= at_most:
                break
    return seen


@pytest.mark.parametrize("seed", range(10))
async def test_a_client_that_reconnects_at_random_gets_every_row_exactly_once(service: Service, seed: int) -> None:
    chance = Random(seed)
    worker = await started(service)
    working = asyncio.create_task(finish(worker, 40, chance))
    path = f"/v1/runs/{worker.run.id}/events"
    seen: list[ServerSent] = []
    while not seen or seen[-1].event != "end":
        after = next((event.id for event in reversed(seen) if event.id is not None), 0)
        seen += await some_of(service, path, after, chance.randint(1, 9), chance)
    await working

    kinds = [event.event for event in seen]
    assert [event.id for event in seen] == [*range(1, 43), None]
    assert (kinds[0], kinds[-2:], set(kinds[1:-2])) == ("run_started", ["run_ended", "end"], {"node_finished"})
    assert all(event.data["position"] == event.id for event in seen[:-1])
    assert seen[-1].data == {"run": worker.run.id, "status": "completed"}


async def test_the_last_event_id_is_stronger_than_the_address_it_came_with(service: Service) -> None:
    worker = await started(service)
    await finish(worker, 5, Random(0))
    answer = await service.call("GET", f"/v1/runs/{worker.run.id}/events?after=1", headers={"Last-Event-ID": "6"})

    assert [line for line in answer.text.splitlines() if line.startswith(("id", "event"))] == ["id: 7", "event: run_ended", "event: end"]


@pytest.mark.parametrize("after", ["8", "-1", "x", "9223372036854775808"])
async def test_a_position_that_never_was_is_a_problem(service: Service, after: str) -> None:
    worker = await started(service)
    await finish(worker, 5, Random(0))
    answer = await service.call("GET", f"/v1/runs/{worker.run.id}/events", params={"after": after})

    assert (answer.status_code, answer.json()["problems"][0]["pointer"]) == (422, "/query/after")


async def test_chunks_pass_by_without_ids_for_those_who_ask(service: Service) -> None:
    worker = await started(service)
    await worker.begin()
    path = f"/v1/runs/{worker.run.id}/events"
    async with listening(service, path, "chunks=1") as eager, listening(service, path) as plain:
        many, few = eager.events(), plain.events()
        first = [await anext(many), await anext(few)]
        worker.say("Hello")
        await worker.end()
        loud, quiet = [event async for event in many], [event async for event in few]

    assert [event.event for event in first] == ["run_started", "run_started"]
    assert [(event.event, event.id) for event in loud] == [("chunk", None), ("run_ended", 2), ("end", None)]
    assert loud[0].data["text"] == "Hello"
    assert [event.event for event in quiet] == ["run_ended", "end"]


async def test_a_client_that_hangs_up_frees_everything(service: Service) -> None:
    worker = await started(service)
    await worker.begin()
    tasks = asyncio.all_tasks()
    async with listening(service, f"/v1/runs/{worker.run.id}/events") as here:
        await anext(here.events())
        assert service.feed.wanted(worker.run.id)

    assert not service.feed.wanted(worker.run.id)
    assert asyncio.all_tasks() == tasks


async def test_a_server_that_stops_ends_its_streams_without_an_end(service: Service) -> None:
    worker = await started(service)
    await worker.begin()
    async with listening(service, f"/v1/runs/{worker.run.id}/events") as here:
        events = here.events()
        first = await anext(events)
        service.stopping.set()
        rest = [event async for event in events]

    assert (first.event, rest) == ("run_started", [])


async def test_a_silent_stream_shows_that_it_is_alive() -> None:
    async with open_service(settings=RestSettings(beat_seconds=0.0)) as service:
        worker = await started(service)
        async with listening(service, f"/v1/runs/{worker.run.id}/events") as here:
            assert [await anext(here.blocks()) for _ in range(3)] == ["retry: 1000", ": still here", ": still here"]


async def test_a_store_that_fails_cuts_the_stream_with_a_word_and_nothing_hangs(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = await started(service)
    await worker.begin()

    async def gone(*_: object) -> None:
        raise DatabaseError("db.internal is away")

    async with listening(service, f"/v1/runs/{worker.run.id}/events") as here:
        events = here.events()
        first = await anext(events)
        monkeypatch.setattr(type(service.store.journal), "read", gone)
        rest = [event async for event in events]

    assert [(event.event, event.id) for event in (first, *rest)] == [("run_started", 1), ("error", None)]
    assert rest[0].data["code"] == "database_unavailable"
    assert "db.internal" not in str(rest[0].data)
    assert not service.feed.wanted(worker.run.id)
