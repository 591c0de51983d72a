"""Commands for the webhooks of a service."""

from typing import Annotated

import typer

from interface.cli.happenings import Members
from interface.cli.options import AsJson, Limit, ServerKey, ServerUrl

webhooks = typer.Typer(help="Let a service tell others of its runs.", no_args_is_help=True)

WebhookId = Annotated[str, typer.Argument(metavar="WEBHOOK", help="The webhook's id.")]


def add_to(root: typer.Typer) -> None:
    root.add_typer(webhooks, name="webhooks", rich_help_panel="A running service")


@webhooks.command("create", epilog="Example: weft webhooks create https://example.com/weft --event run.failed --workflow triage")
def create_webhook(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where events are posted.")],
    event: Annotated[
        list[str] | None, typer.Option(help="run.started, run.parked, run.completed, run.failed, run.cancelled; else all.")
    ] = None,
    workflow: Annotated[str | None, typer.Option(metavar="NAME", help="Only runs of this workflow.")] = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """Make a webhook and print the secret that signs: this once."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json

    order = {"url": url, "events": event or ["*"], "workflow": workflow, "description": description}
    with connected(server, key) as there:
        view = there.post("/v1/webhooks", order)
    if as_json:
        print_json(view)
    else:
        print(f"webhook {view['id']} posts to {view['url']}\nsecret: {view['secret']}")


@webhooks.command("list", epilog="Example: weft webhooks list")
def list_webhooks(server: ServerUrl = None, key: ServerKey = None, limit: Limit = 20, as_json: AsJson = False) -> None:
    """Webhooks, newest first."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json, print_table

    with connected(server, key) as there:
        found = there.items("/v1/webhooks", limit)
    if as_json:
        print_json(found)
    else:
        rows = ((one["id"], one["url"], one["workflow"] or "any", " ".join(one["events"]), _state(one)) for one in found)
        print_table(("WEBHOOK", "URL", "WORKFLOW", "EVENTS", "STATE"), rows)


@webhooks.command("deliveries", epilog="Example: weft webhooks deliveries 0190a1b2-... --state failed")
def list_deliveries(
    webhook: WebhookId,
    state: Annotated[str | None, typer.Option(help="pending, delivered or failed.")] = None,
    run: Annotated[str | None, typer.Option(metavar="RUN", help="Only what tells of this run.")] = None,
    server: ServerUrl = None,
    key: ServerKey = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """What was sent and what came of it, newest first."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json, print_table

    with connected(server, key) as there:
        found = there.items(f"/v1/webhooks/{webhook}/deliveries", limit, state=state, run_id=run)
    if as_json:
        print_json(found)
    else:
        rows = ((one["id"], one["event"], one["state"], str(one["tries"]), _last(one)) for one in found)
        print_table(("DELIVERY", "EVENT", "STATE", "TRIES", "LAST TRY"), rows)


@webhooks.command("redeliver", epilog="Example: weft webhooks redeliver 0190a1b2-... evt_0190a1b3-..._7_completed")
def redeliver(
    webhook: WebhookId,
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="As `weft webhooks deliveries` shows it.")],
    server: ServerUrl = None,
    key: ServerKey = None,
) -> None:
    """Send an event once more, under the same id."""
    from urllib.parse import quote

    from interface.cli.client import connected

    with connected(server, key) as there:
        there.post(f"/v1/webhooks/{webhook}/deliveries/{quote(delivery, safe='')}/redeliver")
    print(f"{delivery} is sent again")


@webhooks.command("test", epilog="Example: weft webhooks test 0190a1b2-...")
def try_webhook(webhook: WebhookId, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Send an event that tells of no run."""
    from interface.cli.client import connected

    with connected(server, key) as there:
        view = there.post(f"/v1/webhooks/{webhook}/test")
    print(f"{view['id']} is sent: `weft webhooks deliveries {webhook}` shows what comes of it")


@webhooks.command("rotate", epilog="Example: weft webhooks rotate 0190a1b2-...")
def rotate(webhook: WebhookId, server: ServerUrl = None, key: ServerKey = None, as_json: AsJson = False) -> None:
    """Make a new secret and print it: this once. For 24 hours the one before signs too."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json

    with connected(server, key) as there:
        view = there.post(f"/v1/webhooks/{webhook}/rotate-secret")
    if as_json:
        print_json(view)
    else:
        print(f"secret: {view['secret']}\nuntil {view['old_until']} the old one signs too")


@webhooks.command("enable", epilog="Example: weft webhooks enable 0190a1b2-...")
def enable(webhook: WebhookId, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Let it hear of runs again; what waited when it was disabled is sent first."""
    _switch(webhook, True, server, key)


@webhooks.command("disable", epilog="Example: weft webhooks disable 0190a1b2-...")
def disable(webhook: WebhookId, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Send nothing more to it. What happens meanwhile is not kept for it."""
    _switch(webhook, False, server, key)


def _switch(webhook: str, enabled: bool, server: str | None, key: str | None) -> None:
    from interface.cli.client import connected

    with connected(server, key) as there:
        view = there.patch(f"/v1/webhooks/{webhook}", {"enabled": enabled})
    print(f"webhook {webhook} is {_state(view)}")


@webhooks.command("delete", epilog="Example: weft webhooks delete 0190a1b2-...")
def delete_webhook(webhook: WebhookId, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Take a webhook away, with its log."""
    from interface.cli.client import connected

    with connected(server, key) as there:
        there.delete(f"/v1/webhooks/{webhook}")
    print(f"webhook {webhook} is deleted")


def _state(webhook: Members) -> str:
    if webhook["enabled"]:
        return f"failing since {since}" if (since := webhook["failing_since"]) else "enabled"
    return f"disabled: {reason}" if (reason := webhook["disabled_reason"]) else "disabled"


def _last(delivery: Members) -> str:
    if not delivery["attempts"]:
        return "none yet"
    last = delivery["attempts"][-1]
    return f"{last['at']} {last['error'] or last['status_code']}"
