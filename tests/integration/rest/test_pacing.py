"""How often a caller may ask, and what is remembered of runs that have ended."""

from application.ended import Describe
from application.pacing import Pace
from application.runs import GetRun
from domain.ports.limits import Rate
from infrastructure.memory.cache import MemoryCache
from infrastructure.memory.limits import MemoryLimits
from tests.integration.rest.service import Service, adder, broken


async def test_the_hundred_and_first_request_in_a_minute_is_told_when_to_come_again(service: Service) -> None:

    paced = broken(service, pace=Pace(MemoryLimits(), Rate(100, 60.0)))
    answers = [await paced.call("GET", "/v1/models") for _ in range(101)]

    assert {answer.status_code for answer in answers[:100]} == {200}
    refused = answers[100]
    assert (refused.status_code, refused.json()["code"], refused.headers["Retry-After"]) == (429, "rate_limited", "1")
    assert refused.headers["Content-Type"] == "application/problem+json"


async def test_each_key_has_a_rate_of_its_own_and_probes_have_none(service: Service) -> None:

    paced = broken(service, pace=Pace(MemoryLimits(), Rate(1, 60.0)))
    other = await service.key_of("another")

    assert [(await paced.call("GET", "/v1/models")).status_code for _ in range(2)] == [200, 429]
    assert (await paced.call("GET", "/v1/models", other)).status_code == 200
    assert [(await paced.call("GET", "/livez")).status_code for _ in range(3)] == [200] * 3


async def test_an_unknown_key_is_refused_before_it_counts(service: Service) -> None:

    paced = broken(service, pace=Pace(MemoryLimits(), Rate(1, 60.0)))

    assert [(await paced.call("GET", "/v1/models", "nobody's")).status_code for _ in range(3)] == [401] * 3


async def test_the_rows_of_an_ended_run_are_read_once_and_told_alike(service: Service) -> None:

    cache = MemoryCache(60.0)
    service = broken(service, get_run=GetRun(service.store.runs, Describe(service.store.journal, cache)))
    run = (await service.start({"workflow": adder(), "input": {"x": 1}})).json()["id"]
    running = (await service.call("GET", f"/v1/runs/{run}")).json()
    worker = await service.worker()
    await worker.end()
    first = (await service.call("GET", f"/v1/runs/{run}")).json()
    key = f"rows:default:{run}"
    assert await cache.get(key) is not None
    second = (await service.call("GET", f"/v1/runs/{run}")).json()
    await cache.set(key, b'{"of": "another version"}')
    third = (await service.call("GET", f"/v1/runs/{run}")).json()

    assert (running["status"], first["status"]) == ("queued", "completed")
    assert first == second == third


async def test_what_is_remembered_of_a_run_is_told_to_nobody_of_another_tenant(service: Service) -> None:
    run = (await service.start({"workflow": adder(), "input": {"x": 1}})).json()["id"]
    await (await service.worker()).end()
    assert (await service.call("GET", f"/v1/runs/{run}")).status_code == 200

    assert (await service.call("GET", f"/v1/runs/{run}", await service.key_of("other"))).status_code == 404
