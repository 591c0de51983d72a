"""The command `weft`: every command imports what it needs when it is called, so that `weft --help` stays quick."""

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Annotated, Final, NoReturn

import typer

from interface.cli.failures import INTERRUPTED, complain
from interface.cli.launcher import Launcher

HELP = """Weft runs workflows of LLM and tool nodes as durable graphs.

`weft demo` shows one at work, `weft run FILE` runs yours, `weft serve` offers them over REST.
Exit codes: 0 done, 1 the run failed, 2 wrong use or invalid document, 3 server not reachable.
"""

MODULES: Final = (
    "service_commands",
    "mcp_command",
    "run_commands",
    "replay_command",
    "documents_commands",
    "generate_command",
    "server_commands",
    "tool_commands",
    "tool_import_command",
    "tool_server_commands",
    "start_command",
    "control_commands",
    "answer_command",
    "watch_command",
    "migrate_command",
    "thread_commands",
    "family_commands",
    "past_commands",
    "snapshot_commands",
    "schedule_commands",
    "session_commands",
    "item_commands",
    "prompt_commands",
    "webhook_commands",
    "usage_commands",
    "budget_commands",
    "policy_commands",
    "owner_commands",
    "audit_commands",
    "history_command",
)
"""In the order of `weft --help`."""
_HOMES: Final = {"run": "run_commands", "serve": "service_commands", "worker": "service_commands"}
"""Of commands that are started most, often by programs: making all of them takes as long as loading a small library."""


def root_of(modules: Iterable[str] = MODULES) -> typer.Typer:
    """`weft` with the commands of these modules."""
    root = typer.Typer(
        name="weft",
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    root.callback()(_weft)
    for module in modules:
        import_module(f"interface.cli.{module}").add_to(root)
    return root


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"weft {version('weft')}")
        raise typer.Exit


def _weft(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    pass


def run(load: Callable[[], Launcher], arguments: Sequence[str] | None = None) -> NoReturn:
    """Ends the process with the command's exit code. `load` gives the composition root to the commands that need it."""
    given = sys.argv[1:] if arguments is None else arguments
    home = _HOMES.get(given[0]) if given else None
    root = root_of() if home is None else root_of([home])
    try:
        root(args=arguments, prog_name="weft", obj=load)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has seen enough. Nothing more may be written, at exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        sys.exit(complain(error))
    sys.exit(0)
