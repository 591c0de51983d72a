"""Under which names workflows and tools are offered."""

import re

import pytest

from interface.mcp.naming import OURS, of_tool, of_workflow

AS_HOSTS_TAKE_THEM = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
STRANGE = ["a b", "a.b", "a/b", "Überweisung", "x" * 200, "x" * 201, "9", "", "run_a", "tool_a", "_a", *OURS]


@pytest.mark.parametrize("name", STRANGE)
def test_every_name_is_made_one_that_hosts_take(name: str) -> None:
    assert AS_HOSTS_TAKE_THEM.fullmatch(of_workflow(name))
    assert AS_HOSTS_TAKE_THEM.fullmatch(of_tool(name))


def test_a_name_that_fits_stays_as_it_is() -> None:
    assert (of_workflow("support-triage"), of_tool("json_query")) == ("run_support-triage", "json_query")


def test_no_two_names_become_one() -> None:
    names = [*STRANGE, "a_b", "a-b", "tool_run_a", "run_run_a", "tool_tool_a", "tool_start_run"]
    offered = [*map(of_workflow, names), *map(of_tool, names), *OURS]

    assert len(set(offered)) == len(offered)
