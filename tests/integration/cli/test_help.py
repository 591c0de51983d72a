"""What the command says of itself, and to those who type it wrong."""

import subprocess
import sys

import pytest
from typer import Typer
from typer.main import get_command
from typer.testing import CliRunner

from interface.cli.app import _HOMES, root_of
from tests.integration.cli.command import Weft
from weft import __version__

pytestmark = pytest.mark.processes


def every_command() -> list[tuple[str, ...]]:
    """Groups and commands, by the words that call them."""
    found: list[tuple[str, ...]] = [()]
    for name, command in getattr(get_command(root_of()), "commands", {}).items():
        found.append((name,))
        found += [(name, inner) for inner in getattr(command, "commands", {})]
    return found


def test_the_version_is_told(weft: Weft) -> None:
    assert weft("--version").out == f"weft {__version__}\n"


def test_the_version_is_told_by_the_option_too(weft: Weft) -> None:
    assert weft("--version", "runs").out == f"weft {__version__}\n"


def test_every_command_of_the_interface_is_there() -> None:
    assert {" ".join(words) for words in every_command()} >= {
        *("serve", "worker", "run", "validate", "graph", "publish", "import", "demo"),
        *("runs list", "runs show", "runs events", "runs cancel", "threads list", "tools list", "tools call", "models list"),
        *("keys create", "keys list", "keys remove", "db upgrade", "db current", "config show"),
    }


@pytest.mark.parametrize("command", sorted(_HOMES))
def test_a_command_that_is_made_alone_explains_itself_as_among_all_others(command: str) -> None:
    def told(root: Typer) -> str:
        return CliRunner().invoke(root, [command, "--help"], prog_name="weft").stdout

    assert told(root_of([_HOMES[command]])) == told(root_of()) != ""


@pytest.fixture(scope="module")
def root() -> Typer:
    return root_of()


@pytest.mark.parametrize("words", [(), ("run",), ("runs",), ("runs", "show")], ids=" ".join)
def test_the_process_explains_itself_in_the_same_words(root: Typer, words: tuple[str, ...]) -> None:
    told = subprocess.run([sys.executable, "-m", "weft", *words, "--help"], capture_output=True, text=True, check=True)

    assert told.stdout == CliRunner().invoke(root, [*words, "--help"], prog_name="weft").stdout
    assert told.stderr == ""


@pytest.mark.parametrize("words", [pytest.param(words, id=" ".join(words) or "weft") for words in every_command()])
def test_every_command_explains_itself_by_an_example(root: Typer, words: tuple[str, ...]) -> None:
    told = CliRunner().invoke(root, [*words, "--help"], prog_name="weft")

    assert (told.exit_code, told.stderr) == (0, "")
    assert "Usage: weft" in told.stdout
    if words and "COMMAND" not in told.stdout:
        assert "Example: " in told.stdout
        assert " ".join(words) in told.stdout.partition("Example: ")[2].replace("\n", " ")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["frobnicate"], id="an unknown command"),
        pytest.param(["run"], id="no file"),
        pytest.param(["run", "a.yaml", "--frobnicate"], id="an unknown flag"),
        pytest.param(["serve", "--port", "99999"], id="a port there is not"),
        pytest.param(["graph", "a.yaml", "--format", "png"], id="a format there is not"),
        pytest.param(["run", "no-such-file.yaml"], id="a file there is not"),
        pytest.param(["run", "no-such-workflow"], id="a workflow there is not"),
        pytest.param(["run", "no@such@workflow"], id="a name that is none"),
        pytest.param(["run", "a.yaml", "--input", "{"], id="input that is not JSON"),
        pytest.param(["run", "a.yaml", "--input", "[1]"], id="input that is no object"),
        pytest.param(["keys", "create", "--role", "king"], id="a role there is not"),
        pytest.param(["run", "a.yaml", "--database", "mysql://here"], id="a database there is not"),
    ],
)
def test_wrong_use_is_code_2_without_a_traceback(weft: Weft, words: list[str]) -> None:
    answer = weft(*words)

    assert answer.code == 2
    assert answer.out == ""
    assert answer.err != ""
    assert "Traceback" not in answer.err


def test_a_wrong_setting_names_its_variable(weft: Weft) -> None:
    answer = weft("config", "show", WEFT_PORT="high")

    assert answer.code == 2
    assert "WEFT_PORT" in answer.err


def test_settings_are_shown_with_their_origin_and_without_secrets(weft: Weft) -> None:
    weft.write("weft.toml", "lease_seconds = 7\n")

    shown = {line["variable"]: line for line in weft("config", "show", "--json", WEFT_API_KEYS="hush", WEFT_PORT="9000").json}

    assert (shown["WEFT_LEASE_SECONDS"]["value"], shown["WEFT_LEASE_SECONDS"]["source"]) == ("7.0", "file")
    assert (shown["WEFT_PORT"]["value"], shown["WEFT_PORT"]["source"]) == ("9000", "environment")
    assert shown["WEFT_GRACE_SECONDS"]["source"] == "default"
    assert "hush" not in str(shown)


def test_a_variable_that_is_no_setting_is_named_and_stops_nothing(weft: Weft) -> None:
    shown = weft("config", "show", "--json", WEFT_LEASE_SECOND="9")
    service = weft.commands.serve(WEFT_LEASE_SECOND="9")
    service.url()

    assert (shown.code, shown.err) == (0, "WEFT_LEASE_SECOND is no setting (is WEFT_LEASE_SECONDS meant?)\n")
    assert len(shown.json) > 10
    (warning,) = service.log("a variable is ignored")
    assert "WEFT_LEASE_SECONDS" in warning["reason"]
