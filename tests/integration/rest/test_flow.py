"""How runs are put in the line, over REST."""

from typing import Any

import pytest

from tests.integration.rest.service import Service, adder

ORDER = {"workflow": "adder", "input": {"x": 1}}


async def flowing(service: Service, flow: dict[str, Any]) -> None:
    assert (await service.publish({**adder(), "flow": flow})).status_code == 201


async def test_a_run_says_where_it_was_put_in_the_line(service: Service) -> None:
    await flowing(service, {"priority": "low"})

    plain = (await service.start(ORDER)).json()
    told = (await service.start({**ORDER, "priority": "critical", "delay_seconds": 60, "concurrency_key": "gpu"})).json()

    assert (plain["priority"], plain["concurrency_key"], plain["due_at"]) == ("low", None, None)
    assert (told["priority"], told["concurrency_key"]) == ("critical", "gpu")
    assert told["due_at"] > told["created_at"]
    assert (await service.call("GET", f"/v1/runs/{told['id']}")).json() == told


@pytest.mark.parametrize(
    ("member", "value"),
    [
        pytest.param("priority", "urgent", id="a class there is not"),
        pytest.param("delay_seconds", -1, id="a delay into the past"),
        pytest.param("delay_seconds", 10 * 365 * 86_400 + 1, id="a delay of more than ten years"),
        pytest.param("delay_seconds", "60", id="a delay that is text"),
        pytest.param("concurrency_key", "", id="an empty key"),
        pytest.param("concurrency_key", "k" * 201, id="a key that is too long"),
    ],
)
async def test_what_is_no_place_in_the_line_is_refused_with_its_pointer(service: Service, member: str, value: object) -> None:
    await flowing(service, {})

    answer = await service.start({**ORDER, member: value})

    assert answer.status_code == 422
    assert [problem["pointer"] for problem in answer.json()["problems"]] == [f"/{member}"]


async def test_an_input_that_has_no_key_is_refused_with_the_keys_pointer(service: Service) -> None:
    await flowing(service, {"concurrency": {"key": "${input.customer}", "limit": 1}})

    answer = await service.start(ORDER)

    assert answer.status_code == 422
    assert [problem["pointer"] for problem in answer.json()["problems"]] == ["/workflow/flow/concurrency/key"]


async def test_a_key_may_name_nothing_but_the_input(service: Service) -> None:
    answer = await service.publish({**adder(), "flow": {"singleton": {"key": "${state.total}"}}})

    assert answer.status_code == 422
    assert [problem["pointer"] for problem in answer.json()["problems"]] == ["/flow/singleton/key"]


async def test_a_second_start_of_a_singleton_answers_the_first_run(service: Service) -> None:
    await flowing(service, {"singleton": {"key": "${input.x}"}})

    first, second, other = [await service.start({**ORDER, "input": {"x": x}}) for x in (1, 1, 2)]

    assert (first.status_code, second.status_code, other.status_code) == (202, 200, 202)
    assert second.json() == first.json()
    assert second.headers["location"] == first.headers["location"]
    assert other.json()["id"] != first.json()["id"]


async def test_a_debounced_start_answers_the_run_that_waits_with_the_new_input(service: Service) -> None:
    await flowing(service, {"debounce": {"seconds": 60}})

    first, second = [await service.start({**ORDER, "input": {"x": x}}) for x in (1, 2)]

    assert (second.status_code, second.json()["id"], second.json()["input"]) == (200, first.json()["id"], {"x": 2})
    assert second.json()["due_at"] >= first.json()["due_at"]


async def test_a_start_that_is_sent_again_with_its_key_is_accepted_again(service: Service) -> None:
    await flowing(service, {})
    key = {"Idempotency-Key": "once"}

    assert [(await service.start(ORDER, headers=key)).status_code for _ in range(2)] == [202, 202]
