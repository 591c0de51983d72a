"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, cast

import typer

from interface.cli.launcher import Launcher

Document = Annotated[Path, typer.Argument(metavar="FILE", help="A workflow as YAML or JSON.")]
Database = Annotated[
    str | None, typer.Option(metavar="URL", help="sqlite:///PATH or postgresql://...; else WEFT_DATABASE_URL, else .weft/weft.db.")
]
RedisUrl = Annotated[str | None, typer.Option("--redis", metavar="URL", help="redis://HOST:PORT/NUMBER; else WEFT_REDIS_URL, else none.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
ServerUrl = Annotated[
    str | None,
    typer.Option("--server", metavar="URL", envvar="WEFT_SERVER", help="A running service; http://127.0.0.1:8040 when not given."),
]
ServerKey = Annotated[
    str | None, typer.Option("--key", metavar="KEY", envvar="WEFT_API_KEY", help="An API key, where the service asks for one.")
]
Tenant = Annotated[str, typer.Option(help="Whose keys.")]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")]
Since = Annotated[
    str | None, typer.Option(metavar="TIME", help="From then on: 7d (today and the six days before), 24h, 30m, 2026-05-04T12:00:00Z.")
]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Before then.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write there; else to stdout.")]
PauseBefore = Annotated[
    list[str] | None, typer.Option("--pause-before", metavar="NODE", help="Stop before this node; may be said several times.")
]
PauseAfter = Annotated[
    list[str] | None, typer.Option("--pause-after", metavar="NODE", help="Stop after this node; may be said several times.")
]

Record = Annotated[Path | None, typer.Option("--record", metavar="FILE", help="Write a cassette of the run, for `weft replay`.")]


def launcher_of(context: typer.Context) -> Launcher:
    """Loads the composition root."""
    return cast("Callable[[], Launcher]", context.obj)()
