"""Commands that ask a running service: runs, threads, models, workers."""

import json
from collections.abc import Callable
from typing import Annotated

import typer

from interface.cli.happenings import Members
from interface.cli.options import AsJson, Limit, ServerKey, ServerUrl

runs = typer.Typer(help="Look at the runs of a service, and stop them.", no_args_is_help=True)
threads = typer.Typer(help="Look at the threads of a service, at any of their moments, and change them.", no_args_is_help=True)
models = typer.Typer(help="Look at the models of a service.", no_args_is_help=True)
workers = typer.Typer(help="Look at the workers of a service.", no_args_is_help=True)

RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run's id.")]
ThreadId = Annotated[str, typer.Argument(metavar="THREAD", help="The thread's id.")]


def add_to(root: typer.Typer) -> None:
    for group, name in ((runs, "runs"), (threads, "threads"), (models, "models"), (workers, "workers")):
        root.add_typer(group, name=name, rich_help_panel="A running service")


@runs.command("list", epilog="Example: weft runs list --status failed")
def list_runs(
    server: ServerUrl = None,
    key: ServerKey = None,
    status: Annotated[str | None, typer.Option(help="queued, running, parked, completed, failed or cancelled.")] = None,
    workflow: Annotated[str | None, typer.Option(help="Name, or name@version.")] = None,
    needs_attention: Annotated[bool, typer.Option("--needs-attention", help="What waits for `weft runs resolve`.")] = False,
    waiting: Annotated[bool, typer.Option("--waiting", help="What waits for `weft runs answer`.")] = False,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Runs, newest first."""
    from interface.cli.printing import spent

    if needs_attention:
        from interface.cli.attention import unknown_calls

        titles = ("RUN", "ACTIVATION", "TOOL", "SINCE", "ARGUMENTS", "KEY", "WHY")
        return print_list(unknown_calls(server, key, workflow, limit), as_json, titles, _call_row)
    if waiting:
        from interface.cli.attention import questions

        return print_list(questions(server, key, workflow, limit), as_json, ("RUN", "ACTIVATION", "UNTIL", "WHO", "SHOWS"), _question_row)
    found = items_of(server, key, "/v1/runs", limit, status=status, workflow=workflow)
    print_list(
        found,
        as_json,
        ("RUN", "WORKFLOW", "STATUS", "CREATED", "SPENT"),
        lambda run: (run["id"], run["workflow"], run["status"], run["created_at"], spent(run)),
    )
    return None


def _call_row(call: Members) -> tuple[str, ...]:
    arguments = json.dumps(call["arguments"], ensure_ascii=False)
    return (call["run"], call["activation"], call["tool"], call["since"], arguments, call["key"], call["reason"])


def _question_row(asked: Members) -> tuple[str, ...]:
    shown = json.dumps(asked["show"], ensure_ascii=False)
    return (asked["run"], asked["activation"], asked["until"] or "", ", ".join(asked["who"]) or "operator", shown)


@runs.command("show", epilog="Example: weft runs show 0190a1b2-...")
def show_run(run: RunId, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Everything about a run, as JSON."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json

    with connected(server, key) as there:
        print_json(there.get(f"/v1/runs/{run}"))


@runs.command("events", epilog="Example: weft runs events 0190a1b2-... --chunks")
def run_events(
    run: RunId,
    server: ServerUrl = None,
    key: ServerKey = None,
    after: Annotated[int, typer.Option(min=0, help="Only rows after this position.")] = 0,
    chunks: Annotated[bool, typer.Option("--chunks", help="Also what passes by: token chunks.")] = False,
) -> None:
    """A run's events until its end, one JSON object a line."""
    from interface.cli.client import connected

    with connected(server, key) as there:
        for happening in there.follow(run, after, chunks=chunks):
            print(json.dumps({"event": happening.name, **happening.data}, ensure_ascii=False), flush=True)


@runs.command("cancel", epilog="Example: weft runs cancel 0190a1b2-... --reason 'wrong input'")
def cancel_run(
    run: RunId,
    server: ServerUrl = None,
    key: ServerKey = None,
    reason: Annotated[str, typer.Option(help="Kept with the run.")] = "",
) -> None:
    """Ask for a run to be cancelled."""
    from interface.cli.client import connected

    with connected(server, key) as there:
        view = there.post(f"/v1/runs/{run}/cancel", {"reason": reason})
    print(f"run {run} " + (f"had ended before: {view['status']}" if view["ended_at"] else "is asked to stop"))


@threads.command("list", epilog="Example: weft threads list --limit 5")
def list_threads(server: ServerUrl = None, key: ServerKey = None, limit: Limit = 20, as_json: AsJson = False) -> None:
    """Threads, newest first."""
    found = items_of(server, key, "/v1/threads", limit)
    print_list(found, as_json, ("THREAD", "NAME", "CREATED"), lambda thread: (thread["id"], thread["name"] or "", thread["created_at"]))


@models.command("list", epilog="Example: weft models list")
def list_models(server: ServerUrl = None, key: ServerKey = None, limit: Limit = 200, as_json: AsJson = False) -> None:
    """Models and their aliases, prices per million tokens, and which are usable."""
    found = items_of(server, key, "/v1/models", limit)
    print_list(found, as_json, ("MODEL", "IS", "PROMPT", "COMPLETION", "USABLE", "PROVIDER"), _model_row)


def _model_row(model: Members) -> tuple[str, ...]:
    from interface.cli.printing import money

    prices = [money(**price) if (price := model[f"{part}_price"]) else "unknown" for part in ("prompt", "completion")]
    usable = "yes" if model["usable"] else f"no: {model['reason']}"
    return (model["name"], ", then ".join(model["chain"]), *prices, usable, _health(model["health"]))


def _health(health: Members | None) -> str:
    """How its provider is; "" when nobody has called it."""
    if health is None:
        return ""
    paused = f", paused until {health['paused_until']}" if health["paused_until"] else ""
    last = f", last error {health['last_error']} at {health['last_error_at']}" if health["last_error"] else ""
    return f"{health['breaker']}, {health['requests_in_minute']} calls and {health['tokens_in_minute']} tokens a minute{paused}{last}"


@workers.command("list", epilog="Example: weft workers list")
def list_workers(server: ServerUrl = None, key: ServerKey = None, limit: Limit = 200, as_json: AsJson = False) -> None:
    """Workers that are there, oldest first, and the runs they have in hand."""
    found = items_of(server, key, "/v1/workers", limit)
    titles = ("WORKER", "HOST", "PID", "VERSION", "SINCE", "RUNS", "LAST BEAT")
    print_list(found, as_json, titles, _worker_row)


def _worker_row(worker: Members) -> tuple[str, ...]:
    return tuple(str(worker[name]) for name in ("id", "host", "pid", "version", "started_at", "runs", "last_beat"))


def items_of(server: str | None, key: str | None, path: str, limit: int, **parameters: str | None) -> list[Members]:
    from interface.cli.client import connected

    with connected(server, key) as there:
        return there.items(path, limit, **parameters)


def print_list(found: list[Members], as_json: bool, titles: tuple[str, ...], row: Callable[[Members], tuple[str, ...]]) -> None:
    from interface.cli.printing import print_json, print_table

    if as_json:
        print_json(found)
    else:
        print_table(titles, map(row, found))
