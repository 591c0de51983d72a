"""Commands for the schedules of a service."""

from typing import Annotated

import typer

from interface.cli.happenings import Members
from interface.cli.options import AsJson, Limit, ServerKey, ServerUrl

schedules = typer.Typer(help="Let a service start runs by the clock.", no_args_is_help=True)

ScheduleId = Annotated[str, typer.Argument(metavar="SCHEDULE", help="The schedule's id.")]


def add_to(root: typer.Typer) -> None:
    root.add_typer(schedules, name="schedules", rich_help_panel="A running service")


@schedules.command("create", epilog="Example: weft schedules create report --cron '0 9 * * MON-FRI' --time-zone Europe/Berlin")
def create_schedule(
    workflow: Annotated[str, typer.Argument(metavar="WORKFLOW", help="Name, or name@version; a name means its newest version each time.")],
    cron: Annotated[str | None, typer.Option(help="5 fields, or 6 with seconds first.")] = None,
    every: Annotated[int | None, typer.Option(min=1, metavar="SECONDS", help="Instead of --cron.")] = None,
    time_zone: Annotated[str, typer.Option(metavar="ZONE", help="Whose clocks --cron means, as Europe/Berlin.")] = "UTC",
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    given: Annotated[str, typer.Option("--input", metavar="JSON|@FILE", help="Input of each run; @- reads stdin.")] = "{}",
    starts_at: Annotated[str | None, typer.Option(metavar="TIME", help="Nothing before, as 2030-01-31T09:00:00Z.")] = None,
    ends_at: Annotated[str | None, typer.Option(metavar="TIME", help="Nothing after.")] = None,
    overlap: Annotated[str, typer.Option(help="While a run goes on: skip, allow, queue_one or cancel_previous.")] = "skip",
    catch_up: Annotated[int, typer.Option(min=0, metavar="SECONDS", help="How late a missed firing is still made up for.")] = 0,
    priority: Annotated[str | None, typer.Option(help="low, normal, high or critical.")] = None,
    paused: Annotated[bool, typer.Option("--paused", help="Make it, and let it rest.")] = False,
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """Make a schedule."""
    from interface.cli.client import connected
    from interface.cli.documents import read_object

    order = {
        "workflow": workflow,
        "cron": cron,
        "every_seconds": every,
        "time_zone": time_zone,
        "name": name,
        "input": read_object(given, "--input"),
        "starts_at": starts_at,
        "ends_at": ends_at,
        "overlap": overlap,
        "catch_up_seconds": catch_up,
        "priority": priority,
        "paused": paused,
    }
    with connected(server, key) as there:
        view = there.post("/v1/schedules", {member: value for member, value in order.items() if value is not None})
    _print_one(view, as_json, f"schedule {view['id']} {_next(view)}")


@schedules.command("list", epilog="Example: weft schedules list")
def list_schedules(server: ServerUrl = None, key: ServerKey = None, limit: Limit = 20, as_json: AsJson = False) -> None:
    """Schedules, newest first."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json, print_table

    with connected(server, key) as there:
        found = there.items("/v1/schedules", limit)
    if as_json:
        print_json(found)
    else:
        rows = ((one["id"], one["name"] or "", one["workflow"], _when(one), _next(one)) for one in found)
        print_table(("SCHEDULE", "NAME", "WORKFLOW", "WHEN", "NEXT"), rows)


@schedules.command("show", epilog="Example: weft schedules show 0190a1b2-...")
def show_schedule(
    schedule: ScheduleId,
    server: ServerUrl = None,
    key: ServerKey = None,
    times: Annotated[int, typer.Option("--next", min=0, max=100, help="So many of its next due times.")] = 5,
    firings: Annotated[int, typer.Option(min=0, max=1000, help="So many of its newest firings.")] = 10,
) -> None:
    """Everything about a schedule, its next due times and its newest firings, as JSON."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json

    with connected(server, key) as there:
        view = there.get(f"/v1/schedules/{schedule}", next=times)
        print_json({**view, "firings": there.items(f"/v1/schedules/{schedule}/firings", firings)})


@schedules.command("pause", epilog="Example: weft schedules pause 0190a1b2-...")
def pause_schedule(schedule: ScheduleId, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Start nothing until it is resumed; what would be due is not made up for."""
    _change(schedule, server, key, paused=True)


@schedules.command("resume", epilog="Example: weft schedules resume 0190a1b2-...")
def resume_schedule(schedule: ScheduleId, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Go on with the next due time."""
    _change(schedule, server, key, paused=False)


@schedules.command("trigger", epilog="Example: weft schedules trigger 0190a1b2-...")
def trigger_schedule(schedule: ScheduleId, server: ServerUrl = None, key: ServerKey = None, as_json: AsJson = False) -> None:
    """Start a run of it now."""
    from interface.cli.client import connected

    with connected(server, key) as there:
        firing = there.post(f"/v1/schedules/{schedule}/trigger")
    _print_one(firing, as_json, f"run {firing['run_id']} is started")


@schedules.command("delete", epilog="Example: weft schedules delete 0190a1b2-...")
def delete_schedule(schedule: ScheduleId, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Take a schedule away; runs it started go on."""
    from interface.cli.client import connected

    with connected(server, key) as there:
        there.delete(f"/v1/schedules/{schedule}")
    print(f"schedule {schedule} is deleted")


def _change(schedule: str, server: str | None, key: str | None, *, paused: bool) -> None:
    from interface.cli.client import connected

    with connected(server, key) as there:
        view = there.patch(f"/v1/schedules/{schedule}", {"paused": paused})
    print(f"schedule {schedule} {_next(view)}")


def _print_one(view: Members, as_json: bool, sentence: str) -> None:
    from interface.cli.printing import print_json

    if as_json:
        print_json(view)
    else:
        print(sentence)


def _when(schedule: Members) -> str:
    if schedule["cron"] is None:
        return f"every {schedule['every_seconds']} s"
    return f"{schedule['cron']} ({schedule['time_zone']})"


def _next(schedule: Members) -> str:
    if schedule["paused"]:
        return f"is paused: {reason}" if (reason := schedule["pause_reason"]) else "is paused"
    return f"is due at {schedule['next'][0]}" if schedule["next"] else "is over"
