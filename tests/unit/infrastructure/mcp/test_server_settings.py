"""What an owner can say of a server; what is wrong stops the start, with the variable's name."""

from pathlib import Path
from typing import Any

import pytest

from domain.errors import ValidationError
from infrastructure.tools.mcp.settings import servers_of
from settings import read_settings
from wiring.showing import shown

GIT = '{"command": ["mcp-server-git"], "env": {"TOKEN": "${secret.git}", "OTHER": "a real password"}}'


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_server_is_a_table_of_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "weft.toml").write_text('[mcp_servers.git]\ncommand = ["mcp-server-git", "--repository", "/repo"]\nseconds = 5\n')

    found = servers_of(read_settings().mcp_servers)

    assert found["git"].command == ("mcp-server-git", "--repository", "/repo")
    assert (found["git"].seconds, found["git"].approve, found["git"].transport) == (5.0, "first", "stdio")


@pytest.mark.parametrize("name", ["WEFT_MCP_SERVERS__git", "WEFT_MCP_SERVERS__GIT"])
def test_a_server_is_a_variable(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, GIT)

    assert list(servers_of(read_settings().mcp_servers)) == ["git"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        pytest.param({}, "a server has a `command` or a `url`", id="nothing"),
        pytest.param({"command": ["a"], "url": "http://a/"}, "and not both", id="both"),
        pytest.param({"command": []}, "command: Tuple should have at least 1 item", id="an empty command"),
        pytest.param({"command": "mcp-server-git"}, "command: Input should be a valid tuple", id="a command as a text"),
        pytest.param({"url": "file:///etc"}, "url: String should match", id="a file"),
        pytest.param({"url": "https://me:pw@host/"}, "url: String should match", id="a password in the URL"),
        pytest.param({"command": ["a"], "headers": {"A": "b"}}, "`headers` are of a `url`", id="headers of a process"),
        pytest.param({"url": "http://a/", "env": {"A": "b"}}, "`env` and `cwd` are of a `command`", id="an environment of a URL"),
        pytest.param({"command": ["a"], "env": {"A B": "c"}}, "env.A B", id="no name of a variable"),
        pytest.param({"command": ["a"], "env": {"A": "${env.B}"}}, "names no secret", id="another reference"),
        pytest.param({"command": ["a"], "effects": {"*": "sometimes"}}, "effects.*: Input should be 'none'", id="no such effects"),
        pytest.param({"command": ["a"], "approve": "never"}, "approve: Input should be 'first' or 'manual'", id="no such approval"),
        pytest.param({"command": ["a"], "tenants": []}, "tenants: Tuple should have at least 1 item", id="nobody's"),
        pytest.param({"command": ["a"], "timeout": 5}, "timeout: Extra inputs are not permitted", id="an unknown member"),
        pytest.param({"command": ["a"], "seconds": 0}, "seconds: Input should be greater than 0", id="no time"),
    ],
)
def test_what_is_wrong_with_a_server_is_said(row: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        read_settings(mcp_servers={"git": row})

    assert refused.value.message.startswith("WEFT_MCP_SERVERS: ")
    assert "the server git: " in refused.value.message
    assert said in refused.value.message


@pytest.mark.parametrize("name", ["Git", "a__b", "a_", "1a", "a b", "x" * 33, ""])
def test_a_name_that_would_not_fit_before_that_of_a_tool_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="is no name for a server"):
        read_settings(mcp_servers={name: {"command": ["a"]}})


def test_no_value_of_an_environment_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_MCP_SERVERS__git", GIT)
    line = next(line for line in shown(read_settings()) if line.name == "mcp_servers")

    assert line.value == "{'git': {'command': ['mcp-server-git'], 'env': '(hidden)'}}"

    monkeypatch.setenv("WEFT_MCP_SERVERS__git", GIT.replace("command", "comand"))
    with pytest.raises(ValidationError) as refused:
        read_settings()
    assert "a real password" not in refused.value.message
