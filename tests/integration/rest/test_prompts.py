"""Prompts over REST: published, numbered, tried, compared, rolled out."""

import time
from typing import Any

import pytest

from tests.integration.rest.service import Service

ANSWER: dict[str, Any] = {
    "prompt": "support/answer",
    "description": "Answers a ticket.",
    "variables": {
        "ticket": {"type": "string", "description": "What the customer wrote."},
        "tone": {"enum": ["kind", "short"], "default": "kind"},
        "notes": {"type": "array", "items": {"type": "string"}, "required": False},
    },
    "partials": {"closing": "Be {{ tone }}.{% if notes is defined %} Notes: {{ notes | join(', ') }}.{% endif %}"},
    "messages": [
        {"role": "system", "content": "You answer tickets. {% include 'closing' %}"},
        {"role": "user", "content": "{{ ticket }}"},
    ],
}


async def published(service: Service, document: dict[str, Any], status: int = 201) -> dict[str, Any]:
    answer = await service.call("POST", "/v1/prompts", json=document)
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_prompt_is_published_under_the_next_number_and_read_back_as_written(service: Service) -> None:
    first = await published(service, ANSWER)
    second = await published(service, {**ANSWER, "description": "Answers."})
    again = await published(service, ANSWER, status=200)
    read = (await service.call("GET", "/v1/prompts/support/answer/1")).json()
    versions = (await service.call("GET", "/v1/prompts/support/answer")).json()["items"]
    listed = (await service.call("GET", "/v1/prompts")).json()["items"]

    assert (first["version"], second["version"], again["version"]) == (1, 2, 1)
    assert read == first
    assert read["document"] == ANSWER
    assert [(one["version"], one["share"]) for one in versions] == [(2, 100), (1, 0)]
    assert [(one["name"], one["version"], one["variables"]) for one in listed] == [("support/answer", 2, ["ticket", "tone", "notes"])]


async def test_an_idempotency_key_gives_the_same_answer_and_refuses_another_body(service: Service) -> None:
    key = {"Idempotency-Key": "k1"}
    told = [await service.call("POST", "/v1/prompts", json=ANSWER, headers=dict(key)) for _ in range(2)]
    other = await service.call("POST", "/v1/prompts", json={**ANSWER, "tags": ["x"]}, headers=dict(key))

    assert [one.status_code for one in told] == [201, 201]
    assert told[0].json() == told[1].json()
    assert other.status_code == 409


async def test_a_dry_run_shows_the_messages_with_partials_and_defaults(service: Service) -> None:
    await published(service, ANSWER)
    path = "/v1/prompts/support/answer/1/render"
    plain = (await service.call("POST", path, json={"variables": {"ticket": "It is broken"}})).json()
    noted = (await service.call("POST", path, json={"variables": {"ticket": "x", "tone": "short", "notes": ["a", "b"]}})).json()

    assert plain == {
        "prompt": "support/answer@1",
        "messages": [{"role": "system", "content": "You answer tickets. Be kind."}, {"role": "user", "content": "It is broken"}],
    }
    assert noted["messages"][0]["content"] == "You answer tickets. Be short. Notes: a, b."


async def test_variables_that_do_not_fit_are_each_pointed_at(service: Service) -> None:
    await published(service, ANSWER)
    answer = await service.call(
        "POST", "/v1/prompts/support/answer/1/render", json={"variables": {"tone": "loud", "notes": ["a", 1], "extra": 1}}
    )
    problem = answer.json()

    assert (answer.status_code, problem["code"]) == (422, "invalid_variables")
    assert [(one["pointer"], one["code"]) for one in problem["problems"]] == [
        ("/variables/extra", "unknown_variable"),
        ("/variables", "missing_variable"),
        ("/variables/notes/1", "schema_type"),
        ("/variables/tone", "schema_enum"),
    ]


CUSTOMER = {"type": "object", "properties": {"name": {"type": "string"}}, "additionalProperties": False}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"text": "{{ nobody }}"}, [("/text", "expression_error")], id="a name that is not declared"),
        pytest.param({"text": "{{ c.nmae }}", "variables": {"c": CUSTOMER}}, [("/text", "undefined")], id="a member that cannot be"),
        pytest.param({"text": "{% include 'x' %}"}, [("/text", "expression_error")], id="a partial that is not there"),
        pytest.param({"text": "{% include 'x@1' %}"}, [("/text", "prompt_not_found")], id="a prompt that is not published"),
        pytest.param({"text": "{% include 'x@99999999999999999999' %}"}, [("/text", "expression_error")], id="a number beyond all numbers"),
        pytest.param({"text": "{% include 'x@new' %}"}, [("/text", "expression_error")], id="a version that is no number"),
        pytest.param(
            {"text": "{% include 'a' %}", "partials": {"a": "{% include 'b' %}", "b": "{% include 'a' %}"}},
            [("/text", "expression_error")],
            id="partials in a circle",
        ),
        pytest.param({"text": "{{ x", "variables": {"x": {}}}, [("/text", "expression_error")], id="half a hole"),
        pytest.param({"text": "a", "variables": {"x": {"type": "nothing"}}}, [("/variables/x/type", "bad_schema")], id="no schema"),
        pytest.param(
            {"text": "a", "variables": {"x": {"type": "integer", "default": "1"}}},
            [("/variables/x/default", "schema_type")],
            id="a default",
        ),
        pytest.param({"text": "a", "messages": []}, [("/messages", "too_short")], id="no message"),
        pytest.param({}, [("", "value_error")], id="neither text nor messages"),
        pytest.param({"text": "a", "model": "fast"}, [("/model", "unknown_field")], id="a key that is not there"),
        pytest.param({"prompt": "support/3", "text": "a"}, [("/prompt", "string_pattern_mismatch")], id="a name that ends like a version"),
        pytest.param({"text": "{{ 'a'.format(1) }}"}, [("/text", "expression_error")], id="a call of Python's"),
    ],
)
async def test_a_prompt_with_problems_is_refused_and_nothing_is_kept(
    service: Service, fields: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    problem = await published(service, {"prompt": "bad", **fields}, status=422)

    assert [(one["pointer"], one["code"]) for one in problem["problems"]] == expected
    assert (await service.call("GET", "/v1/prompts")).json()["items"] == []


async def test_a_published_prompt_is_included_by_its_version(service: Service) -> None:
    await published(
        service,
        {"prompt": "house/tone", "variables": {"tone": {}}, "text": "Be {{ tone }}, {% include 'p' %}!", "partials": {"p": "please"}},
    )
    await published(service, {"prompt": "house/tone", "text": "Be quick."})
    wants_tone = {"prompt": "a", "text": "{% include 'house/tone@1' %} Now: {{ x }}", "variables": {"x": {}}}
    refused = await published(service, wants_tone, status=422)
    made = await published(service, {**wants_tone, "variables": {"x": {}, "tone": {"default": "kind"}}})
    told = (await service.call("POST", "/v1/prompts/a/1/render", json={"variables": {"x": 1}})).json()

    assert "`tone` is not declared" in refused["problems"][0]["message"]
    assert made["version"] == 1
    assert told["messages"] == [{"role": "user", "content": "Be kind, please! Now: 1"}]


async def test_two_versions_are_compared_in_their_documents_and_in_what_they_render(service: Service) -> None:
    await published(service, ANSWER)
    changed = {**ANSWER, "messages": [ANSWER["messages"][0], {"role": "user", "content": "Ticket:\n{{ ticket }}"}]}
    await published(service, changed)
    told = (await service.call("POST", "/v1/prompts/support/answer/1/diff", json={"against": 2, "variables": {"ticket": "Broken"}})).json()

    assert told["document"].splitlines()[-3:] == [" [user]", "+Ticket:", " {{ ticket }}"]
    assert told["rendered"].splitlines() == [
        "--- support/answer@1",
        "+++ support/answer@2",
        "@@ -1,4 +1,5 @@",
        " [system]",
        " You answer tickets. Be kind.",
        " [user]",
        "+Ticket:",
        " Broken",
    ]


async def test_a_rollout_says_who_gets_which_version(service: Service) -> None:
    await published(service, ANSWER)
    await published(service, {**ANSWER, "description": "2"})
    path = "/v1/prompts/support/answer/rollout"
    made = await service.call("PUT", path, json={"shares": {"1": 90, "2": 10}})
    versions = (await service.call("GET", "/v1/prompts/support/answer")).json()["items"]
    wrong = [
        await service.call("PUT", path, json={"shares": shares}) for shares in ({"1": 90}, {"1": 150, "2": -50}, {"7": 100}, {"x": 100})
    ]
    unknown = await service.call("PUT", "/v1/prompts/none/rollout", json={"shares": {}})

    assert made.json() == {"name": "support/answer", "newest": 2, "shares": {"1": 90, "2": 10}}
    assert [(one["version"], one["share"]) for one in versions] == [(2, 10), (1, 90)]
    assert [one.status_code for one in wrong] == [422] * 4
    assert [one.json()["problems"][0]["pointer"] for one in wrong[:3]] == ["/shares", "/shares/1", "/shares/7"]
    assert (unknown.status_code, unknown.json()["code"]) == (404, "prompt_not_found")


async def test_what_is_undefined_only_when_it_is_rendered_is_an_error_then(service: Service) -> None:
    await published(service, {"prompt": "open", "text": "{{ c.name }}{{ n }}", "variables": {"c": {}, "n": {"required": False}}})
    await published(service, {"prompt": "python", "text": "{{ c.__class__ }}", "variables": {"c": {}}})
    path = "/v1/prompts/open/1/render"
    told = [
        await service.call("POST", path, json={"variables": {"c": {"nmae": 1}, "n": 1}}),
        await service.call("POST", path, json={"variables": {"c": {"name": 1}}}),
        await service.call("POST", "/v1/prompts/python/1/render", json={"variables": {"c": "x"}}),
    ]

    assert [(one.status_code, one.json()["code"]) for one in told] == [(422, "expression_error")] * 3
    assert [one.json()["detail"].partition(": ")[2] for one in told] == [
        "there is no field `name`",
        "'n' is undefined",
        "there is no field `__class__`",
    ]


async def test_a_workflow_that_uses_a_prompt_wrongly_is_told_where(service: Service) -> None:
    await published(service, {"prompt": "a/b", "text": "{{ x }}", "variables": {"x": {"type": "integer"}}})

    at = "/nodes/ask/prompt"

    def using(prompt: dict[str, Any]) -> dict[str, Any]:
        nodes = {"ask": {"kind": "llm", "model": "fast", "prompt": prompt}}
        return {"weft": 1, "name": "w", "version": "1.0.0", "nodes": nodes, "edges": [{"from": "start", "to": "ask"}]}

    async def told(prompt: dict[str, Any]) -> list[tuple[str, str]]:
        answer = (await service.call("POST", "/v1/workflows/validate", json=using(prompt))).json()
        return [(one["pointer"], one["code"]) for one in answer["problems"] if one["pointer"].startswith(at)]

    assert await told({"use": "a/b@1", "with": {"x": 1}}) == []
    assert await told({"use": "a/b", "with": {"x": "${input.x}"}}) == []
    assert await told({"use": "a/b"}) == [(at, "missing_variable")]
    assert await told({"use": "a/b@2", "with": {"x": 1}}) == [(f"{at}/use", "unknown_prompt")]
    assert await told({"use": "nothing"}) == [(f"{at}/use", "unknown_prompt")]
    assert await told({"use": "a/b", "with": {"x": "one", "y": 1}}) == [
        (f"{at}/with/y", "unknown_variable"),
        (f"{at}/with/x", "schema_type"),
    ]


async def test_another_tenants_prompt_does_not_exist(service: Service) -> None:
    await published(service, {"prompt": "mine", "text": "secret"})
    key = await service.key_of("other")
    include = {"prompt": "theirs", "text": "{% include 'mine@1' %}"}

    assert (await service.call("GET", "/v1/prompts/mine/1", key)).status_code == 404
    assert (await service.call("GET", "/v1/prompts", key)).json()["items"] == []
    assert (await service.call("POST", "/v1/prompts", key, json=include)).status_code == 422


async def test_long_prompts_are_compared_as_a_whole_and_at_once(service: Service) -> None:
    """A viewer may ask for it, and to look line by line for what such texts share would hold up everybody for minutes."""
    for seed in (1, 2):
        middle = [str(number * seed % 101) for number in range(60_000)]
        await published(service, {"prompt": "long", "text": "\n".join(["first", *middle, "last"])})
    before = time.process_time()
    told = (await service.call("POST", "/v1/prompts/long/1/diff", json={"against": 2})).json()["document"].split("\n")

    assert time.process_time() - before < 3
    assert told[:3] == ["--- long@1", "+++ long@2", "@@ -4,59999 +4,59999 @@"]
    assert (told[3], told[-1]) == ("-1", f"+{59_999 * 2 % 101}")
    assert len(told) == 3 + 2 * 59_999
