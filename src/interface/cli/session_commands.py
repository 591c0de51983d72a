"""Commands for the sessions of a service: open one, talk in it, look at what happened."""

import json
import sys
from typing import Annotated

import typer

from interface.cli.options import AsJson, Limit, ServerKey, ServerUrl

sessions = typer.Typer(help="Talk to the workflows of a service in sessions.", no_args_is_help=True)

SessionId = Annotated[str, typer.Argument(metavar="SESSION", help="The session's id.")]
_SHOWN = 100


def add_to(root: typer.Typer) -> None:
    root.add_typer(sessions, name="sessions", rich_help_panel="A running service")


@sessions.command("create", epilog="Example: weft sessions create ada --workflow support --allow text_search --allow 'mail.*'")
def create_session(
    user: Annotated[str, typer.Argument(metavar="USER", help="Who is working.")],
    workflow: Annotated[str | None, typer.Option(metavar="NAME", help="What a message starts; name, or name@version.")] = None,
    allow: Annotated[list[str] | None, typer.Option(metavar="TOOL", help="A tool its runs may call, or a prefix and *; else all.")] = None,
    allow_none: Annotated[bool, typer.Option("--allow-none", help="Its runs may call no tools.")] = False,
    metadata: Annotated[str, typer.Option(metavar="JSON|@FILE", help="What you want to find with it; @- reads stdin.")] = "{}",
    preferences: Annotated[str, typer.Option(metavar="JSON|@FILE", help="What the user likes.")] = "{}",
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """Open a session and print its id."""
    from interface.cli.client import connected
    from interface.cli.documents import read_object
    from interface.cli.printing import print_json

    if allow and allow_none:
        raise typer.BadParameter("say --allow or --allow-none, not both")
    order = {
        "user_id": user,
        "workflow": workflow,
        "metadata": read_object(metadata, "--metadata"),
        "preferences": read_object(preferences, "--preferences"),
        "permissions": [] if allow_none else allow or None,
    }
    with connected(server, key) as there:
        view = there.post("/v1/sessions", order)
    if as_json:
        print_json(view)
    else:
        print(view["id"])


@sessions.command("list", epilog="Example: weft sessions list --user ada --state active")
def list_sessions(
    server: ServerUrl = None,
    key: ServerKey = None,
    user: Annotated[str | None, typer.Option(help="Whose.")] = None,
    state: Annotated[str | None, typer.Option(help="active, paused, completed or aborted.")] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Sessions, newest first."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json, print_table

    with connected(server, key) as there:
        found = there.items("/v1/sessions", limit, user_id=user, state=state)
    if as_json:
        print_json(found)
    else:
        rows = ((one["id"], one["user_id"], one["state"], one["workflow"] or "", one["created_at"]) for one in found)
        print_table(("SESSION", "USER", "STATE", "WORKFLOW", "CREATED"), rows)


@sessions.command("show", epilog="Example: weft sessions show 0190a1b2-...")
def show_session(session: SessionId, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Everything about a session, and its newest threads, as JSON."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json

    with connected(server, key) as there:
        view = there.get(f"/v1/sessions/{session}")
        print_json({**view, "threads": there.items(f"/v1/sessions/{session}/threads", _SHOWN)})


@sessions.command("say", epilog="Example: weft sessions say 0190a1b2-... 'My invoice is wrong'")
def say(
    session: SessionId,
    message: Annotated[str, typer.Argument(metavar="MESSAGE", help="A text; with --input a JSON object or @FILE.")],
    as_input: Annotated[bool, typer.Option("--input", help="MESSAGE is the whole input of the run, as JSON or @FILE.")] = False,
    workflow: Annotated[str | None, typer.Option(metavar="NAME", help="Another one than the session's own.")] = None,
    thread: Annotated[str | None, typer.Option(metavar="ID", help="Another of its threads than the main one.")] = None,
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """Say something and print the answer: on a terminal the words of models as they come, and what the run made."""
    from interface.cli.client import connected
    from interface.cli.documents import read_object
    from interface.cli.printing import print_json
    from interface.cli.speech import Speech

    order = {"content": read_object(message, "MESSAGE") if as_input else message, "workflow": workflow, "thread_id": thread}
    with connected(server, key) as there:
        begun = there.post(f"/v1/sessions/{session}/interactions", {name: value for name, value in order.items() if value is not None})
        speech = Speech(is_live=sys.stdout.isatty() and not as_json)
        for happening in there.follow(begun["run"]["id"], chunks=True):
            speech.hear(happening)
        run = there.get(f"/v1/runs/{begun['run']['id']}")
    if as_json:
        print_json(run)
    else:
        speech.end(run)


@sessions.command("interactions", epilog="Example: weft sessions interactions 0190a1b2-... --limit 50")
def list_interactions(
    session: SessionId,
    server: ServerUrl = None,
    key: ServerKey = None,
    thread: Annotated[str | None, typer.Option(metavar="ID", help="Of that thread only.")] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """What was asked, answered, called and changed in a session, oldest first."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json, print_table

    with connected(server, key) as there:
        found = there.items(f"/v1/sessions/{session}/interactions", limit, thread_id=thread)
    if as_json:
        print_json(found)
    else:
        rows = ((one["timestamp"], one["type"], json.dumps(one["content"], ensure_ascii=False)) for one in found)
        print_table(("WHEN", "WHAT", "CONTENT"), rows)


@sessions.command("pause", epilog="Example: weft sessions pause 0190a1b2-...")
def pause_session(session: SessionId, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Let no run start in it until it is resumed; those under way go on."""
    _move(session, "pause", server, key)


@sessions.command("resume", epilog="Example: weft sessions resume 0190a1b2-...")
def resume_session(session: SessionId, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Let runs start in it again."""
    _move(session, "resume", server, key)


@sessions.command("complete", epilog="Example: weft sessions complete 0190a1b2-...")
def complete_session(session: SessionId, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Close it for good; runs under way go on to their end."""
    _move(session, "complete", server, key)


@sessions.command("abort", epilog="Example: weft sessions abort 0190a1b2-...")
def abort_session(session: SessionId, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Close it for good, and cancel its runs that have not ended."""
    _move(session, "abort", server, key)


def _move(session: str, move: str, server: str | None, key: str | None) -> None:
    from interface.cli.client import connected

    with connected(server, key) as there:
        view = there.post(f"/v1/sessions/{session}/{move}")
    print(f"session {session} is {view['state']}")
