"""Commands that stay: the service, a worker, the demonstration."""

from pathlib import Path
from typing import Annotated

import typer

from interface.cli.options import Database, RedisUrl, launcher_of


def add_to(root: typer.Typer) -> None:
    root.command(epilog="Example: weft serve --port 8080 --database postgresql://weft@localhost/weft", rich_help_panel="Service")(serve)
    root.command(
        epilog="Example: WEFT_METRICS_PORT=9100 weft worker --database postgresql://weft@localhost/weft", rich_help_panel="Service"
    )(worker)
    root.command(epilog="Example: weft demo --once", rich_help_panel="Service")(demo)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 when not given.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 8040 when not given, 0 takes a free one.")] = None,
    database: Database = None,
    redis: RedisUrl = None,
    worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Also work on runs in this process.")] = True,
) -> None:
    """Offer workflows over REST, and work on their runs.

    The first Ctrl-C stops in order, the second at once.
    """
    import asyncio

    from interface.cli.serving import serve as stay

    asyncio.run(stay(launcher_of(context), with_worker=worker, host=host, port=port, database_url=database, redis_url=redis))


def worker(context: typer.Context, database: Database = None, redis: RedisUrl = None) -> None:
    """Work on runs that a service has taken in; as many workers as you like.

    Where WEFT_METRICS_PORT is set it answers /metrics, /livez and /readyz there.
    """
    import asyncio

    from interface.cli.serving import work

    asyncio.run(work(launcher_of(context), database_url=database, redis_url=redis))


def demo(
    examples: Annotated[Path, typer.Option(metavar="FOLDER", help="Where Weft's examples lie.")] = Path("examples"),
    folder: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the service keeps its database and log.")] = Path(".weft"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the service; another when it is taken.")] = 8040,
    once: Annotated[bool, typer.Option("--once", help="Stop the service when the run is over.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Leave the service running and return.")] = False,
) -> None:
    """Start the service, and watch a real workflow run through it."""
    from interface.cli.demo import Demo

    raise typer.Exit(Demo(examples, folder, port, stays=not once, detached=detach and not once)())
