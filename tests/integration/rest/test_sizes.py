"""What is too large is refused at the door, with a pointer, and nothing is changed."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.sizes import MOST_OF_A_VALUE
from tests.integration.rest.site import Site, open_site
from tests.integration.rest.test_edits import a_thread, edit, state
from tests.integration.rest.test_with_a_worker import graph, writes

LARGE = "x" * MOST_OF_A_VALUE
PARTS = {name: {"type": "string"} for name in "abcde"}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as opened:
        yield opened


async def test_an_input_with_a_value_over_4_mib_starts_no_run(site: Site) -> None:
    document = graph("holding", {"n": writes("a", "${state.a}")}, "start n end", state=PARTS)
    refused = await site.call("POST", "/v1/runs", json={"workflow": document, "input": {"a": LARGE, "b": "small"}})

    assert refused.status_code == 422
    assert [(one["pointer"], one["code"]) for one in refused.json()["problems"]] == [("/input/a", "value_too_large")]
    assert (await site.call("GET", "/v1/runs")).json()["items"] == []


@pytest.mark.parametrize(
    ("order", "pointer"),
    [
        pytest.param({"values": {"a": LARGE}}, "/values/a", id="a channel that is set"),
        pytest.param({"changes": [{"path": "/a", "operation": "update", "value": LARGE}]}, "/changes/0/value", id="a change"),
    ],
)
async def test_an_edit_with_a_value_over_4_mib_changes_nothing(site: Site, order: dict[str, Any], pointer: str) -> None:
    thread = await a_thread(site)
    await edit(site, thread, values={"a": "small"})
    refused = await edit(site, thread, **order)

    assert refused.status_code == 422, refused.text[:500]
    assert [(one["pointer"], one["code"]) for one in refused.json()["problems"]] == [(pointer, "value_too_large")]
    assert (await state(site, thread))["values"] == {"a": "small"}


async def test_an_edit_that_makes_the_state_larger_than_16_mib_changes_nothing(site: Site) -> None:
    thread, part = await a_thread(site), LARGE[:-100]
    for name in "abc":
        assert (await edit(site, thread, values={name: part})).status_code == 200
    before = await state(site, thread)
    fits = await edit(site, thread, values={"d": part})
    refused = await edit(site, thread, values={"e": part})

    assert (fits.status_code, refused.status_code) == (200, 422)
    assert [(one["pointer"], one["code"]) for one in refused.json()["problems"]] == [("/values/e", "state_too_large")]
    assert (await state(site, thread))["position"] == before["position"] + 1
    assert (await edit(site, thread, changes=[{"path": "/a", "operation": "delete"}])).status_code == 200
