"""What is remembered, over REST: kept, read, found, deleted, and who may."""

import asyncio
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from application.access import Role
from tests.integration.rest.service import Service

PATH = "/v1/items"
COLOUR = f"{PATH}/user/ada/colour"


async def put(service: Service, path: str, value: Any, **order: Any) -> httpx.Response:
    return await service.call("PUT", f"{PATH}/{quote(path)}", json={"value": value, **order})


async def listed(service: Service, **wanted: Any) -> list[str]:
    answer = await service.call("GET", PATH, params=wanted)
    assert answer.status_code == 200, answer.text
    return [f"{one['namespace']}/{one['key']}" for one in answer.json()["items"]]


async def test_what_was_put_comes_back_with_its_version(service: Service) -> None:
    made = (await put(service, "user/ada/colour", {"is": "blue"})).json()
    again = (await put(service, "user/ada/colour", "red", ttl_seconds=60)).json()

    assert (made["namespace"], made["key"], made["value"], made["version"]) == ("user/ada", "colour", {"is": "blue"}, 1)
    assert (again["version"], again["created_at"], made["expires_at"]) == (2, made["created_at"], None)
    assert again["expires_at"] > again["updated_at"]
    assert (await service.call("GET", COLOUR)).json() == again


async def test_a_deleted_one_is_not_found(service: Service) -> None:
    await put(service, "user/ada/colour", "blue")
    answers = [await service.call(method, COLOUR) for method in ("DELETE", "GET", "DELETE")]

    assert [answer.status_code for answer in answers] == [204, 404, 404]
    assert answers[1].json()["code"] == "item_not_found"


async def test_a_write_over_another_version_than_expected_is_a_conflict(service: Service) -> None:
    first = await put(service, "user/ada/colour", "blue", expected_version=0)
    late = await put(service, "user/ada/colour", "red", expected_version=0)

    assert (first.status_code, late.status_code, late.json()["code"]) == (200, 409, "item_changed")
    assert (await put(service, "user/ada/colour", "red", expected_version=1)).json()["version"] == 2


async def test_of_many_that_expect_one_version_one_is_kept(service: Service) -> None:
    await put(service, "user/ada/colour", 0)
    answers = await asyncio.gather(*(put(service, "user/ada/colour", n, expected_version=1) for n in range(10)))

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9


async def test_they_are_found_by_prefix_text_and_members(service: Service) -> None:
    for path, value in {
        "user/ada/likes": {"colour": "Dark Blue", "size": 3},
        "user/ada/old/likes": {"colour": "red", "size": 5, "by": {"name": "bob"}},
        "user/adam/likes": {"colour": "blue", "size": True},
    }.items():
        assert (await put(service, path, value)).status_code == 200

    assert await listed(service, prefix="user/ada") == ["user/ada/likes", "user/ada/old/likes"]
    assert await listed(service, text="BLUE") == ["user/ada/likes", "user/adam/likes"]
    assert await listed(service, text="blue dark", prefix="user") == ["user/ada/likes"]
    assert await listed(service, filter='{"by.name": "bob"}') == ["user/ada/old/likes"]
    assert await listed(service, filter='{"size": {"$gte": 3, "$lt": 5}}') == ["user/ada/likes"]
    assert await listed(service, filter='{"size": 3}', text="red") == []


async def test_a_list_has_pages_whatever_the_length_of_names(service: Service) -> None:
    deep = "/".join(["☃" * 200] * 10)
    wanted = [f"{deep}/{'é' * 199}{n}" for n in range(3)]
    for path in wanted:
        assert (await put(service, path, 1)).status_code == 200
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while len(found) < 3:
        page = (await service.call("GET", PATH, params={"limit": 1, **cursor})).json()
        found += [f"{one['namespace']}/{one['key']}" for one in page["items"]]
        cursor = {"cursor": page["next_cursor"]}

    assert (found, cursor) == (wanted, {"cursor": None})


@pytest.mark.parametrize(
    ("path", "order", "told"),
    [
        pytest.param("a/b", {}, (422, "invalid", "/value"), id="no value"),
        pytest.param("a/b", {"value": "x" * (256 * 1024)}, (413, "too_large", "/value"), id="a value of more than 256 KiB"),
        pytest.param("a/b", {"value": 1, "ttl_seconds": 0}, (422, "invalid", "/ttl_seconds"), id="no time to live"),
        pytest.param("a/b", {"value": 1, "ttl_seconds": 10**9}, (422, "invalid", "/ttl_seconds"), id="more than ten years"),
        pytest.param("a/b", {"value": 1, "expected_version": -1}, (422, "invalid", "/expected_version"), id="a version below none"),
        pytest.param("a/b", {"value": 1, "scope": "user"}, (422, "invalid", "/scope"), id="a member that is not known"),
        pytest.param("abc", {"value": 1}, (422, "invalid", ""), id="a key without a namespace"),
        pytest.param("/".join("abcdefghijkl"), {"value": 1}, (422, "invalid", ""), id="eleven names"),
        pytest.param(f"a/{'b' * 201}", {"value": 1}, (422, "invalid", ""), id="a key of more than 200 characters"),
        pytest.param("a//b", {"value": 1}, (422, "invalid", ""), id="an empty name"),
        pytest.param("a/b\t", {"value": 1}, (422, "invalid", ""), id="a name that cannot be printed"),
    ],
)
async def test_what_does_not_fit_is_refused(service: Service, path: str, order: dict[str, Any], told: tuple[Any, ...]) -> None:
    answer = await service.call("PUT", f"{PATH}/{quote(path)}", json=order)

    assert (answer.status_code, answer.json()["code"], answer.json()["problems"][0]["pointer"]) == told
    assert await listed(service) == []


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({"filter": "[1]"}, id="a filter that is no object"),
        pytest.param({"filter": "{nonsense"}, id="a filter that is no JSON"),
        pytest.param({"filter": "[" * 1_000}, id="a filter that is nested too deeply"),
        pytest.param({"filter": '{"a": {"$near": 1}}'}, id="a comparison that there is not"),
        pytest.param({"prefix": "a//b"}, id="a prefix with an empty name"),
        pytest.param({"limit": 201}, id="a page of more than 200"),
        pytest.param({"cursor": "nonsense"}, id="a cursor of nobody"),
        pytest.param({"namespace": "a"}, id="a parameter that is not known"),
    ],
)
async def test_a_search_that_cannot_be_is_refused(service: Service, wanted: dict[str, Any]) -> None:
    answer = await service.call("GET", PATH, params=wanted)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_a_new_line_is_in_no_name(service: Service) -> None:
    await put(service, "a/b", 1)

    assert [(await service.call("GET", f"{PATH}/{path}")).status_code for path in ("a/b%0A", "a%0Ab/c")] == [404, 404]


async def test_another_tenants_do_not_exist(service: Service) -> None:
    await put(service, "user/ada/colour", "blue")
    other = await service.key_of("other")

    assert [(await service.call(method, COLOUR, other)).status_code for method in ("GET", "DELETE")] == [404, 404]
    assert (await service.call("GET", PATH, other)).json()["items"] == []
    assert (await service.call("PUT", COLOUR, other, json={"value": "red"})).json()["version"] == 1
    assert (await service.call("GET", COLOUR)).json()["value"] == "blue"


async def test_a_viewer_reads_and_an_operator_writes(service: Service) -> None:
    viewer, operator = [await service.key_of("default", role) for role in (Role.VIEWER, Role.OPERATOR)]
    refused = [await service.call("PUT", COLOUR, viewer, json={"value": 1}), await service.call("DELETE", COLOUR, viewer)]

    assert [answer.status_code for answer in refused] == [403, 403]
    assert (await service.call("PUT", COLOUR, operator, json={"value": 1})).status_code == 200
    assert (await service.call("GET", COLOUR, viewer)).status_code == 200
    assert (await service.call("GET", PATH, viewer)).status_code == 200
    assert (await service.call("DELETE", COLOUR, operator)).status_code == 204
