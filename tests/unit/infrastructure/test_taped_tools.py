"""Calls of tools as they stand on a tape."""

from dataclasses import replace

import pytest

from domain.cassette import Recording
from domain.ids import DEFAULT_TENANT, ActivationPath, RunId
from domain.ports.tools import ToolContext
from infrastructure.cassettes.tools import asked_of_tool

CONTEXT = ToolContext(DEFAULT_TENANT, "", RunId("r"), ActivationPath("/each#1/2/lead#1"))


@pytest.mark.parametrize(
    ("key", "number"),
    [
        pytest.param("r/each#1/2/lead#1/0", 0, id="a node's only call"),
        pytest.param("r/each#1/2/lead#1/5", 5, id="one of several"),
        pytest.param("r/each#1/2/lead#1/5/3", 5, id="one of a conversation that began anew in the third attempt"),
        pytest.param("by hand", 0, id="a call that no run makes"),
    ],
)
def test_a_call_has_its_number_on_the_tape(key: str, number: int) -> None:
    assert asked_of_tool("look", {}, replace(CONTEXT, idempotency_key=key), Recording()).effect == number
