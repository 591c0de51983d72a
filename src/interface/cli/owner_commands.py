"""Commands for whoever owns the database: keys, schema, settings."""

from typing import Annotated

import typer

from interface.cli.options import AsJson, Database, RedisUrl, Tenant, launcher_of

keys = typer.Typer(help="Make, list and remove API keys, directly in the database.", no_args_is_help=True)
db = typer.Typer(help="The database's schema.", no_args_is_help=True)
config = typer.Typer(help="The settings.", no_args_is_help=True)


def add_to(root: typer.Typer) -> None:
    for group, name in ((keys, "keys"), (db, "db"), (config, "config")):
        root.add_typer(group, name=name, rich_help_panel="For its owner")
    root.command(epilog="Example: weft doctor --database postgresql://weft@localhost/weft", rich_help_panel="For its owner")(doctor)


@keys.command("create", epilog="Example: weft keys create --tenant acme --role operator")
def create_key(
    context: typer.Context,
    role: Annotated[str, typer.Option(help="viewer, operator, author or admin; each may do what the ones before it may.")],
    tenant: Tenant = "default",
    name: Annotated[str, typer.Option(help="Who or what it is for.")] = "",
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it: this once, for it is kept nowhere."""
    import asyncio

    from interface.cli.owning import create_key as create

    asyncio.run(create(launcher_of(context), tenant, role, name, as_json, database_url=database))


@keys.command("list", epilog="Example: weft keys list --tenant acme")
def list_keys(context: typer.Context, tenant: Tenant = "default", database: Database = None, as_json: AsJson = False) -> None:
    """Keys of a tenant, without the keys themselves."""
    import asyncio

    from interface.cli.owning import list_keys as list_them

    asyncio.run(list_them(launcher_of(context), tenant, as_json, database_url=database))


@keys.command("remove", epilog="Example: weft keys remove 0190a1b2-... --tenant acme")
def remove_key(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `weft keys list` shows it.")],
    tenant: Tenant = "default",
    database: Database = None,
) -> None:
    """Remove a key: from now on nobody gets in with it."""
    import asyncio

    from interface.cli.owning import remove_key as remove

    asyncio.run(remove(launcher_of(context), tenant, key, database_url=database))


@db.command("upgrade", epilog="Example: weft db upgrade --database postgresql://weft@localhost/weft")
def upgrade(context: typer.Context, database: Database = None) -> None:
    """Bring the database to this version's schema."""
    print(f"the database is at revision {launcher_of(context).upgrade(database_url=database)}")


@db.command("current", epilog="Example: weft db current")
def current(context: typer.Context, database: Database = None) -> None:
    """The revision that the database is at, and the newest one."""
    found, newest = launcher_of(context).schema(database_url=database)
    state = "up to date" if found == newest else f"the newest is {newest}: type `weft db upgrade`"
    print(f"{found or 'no schema yet'} ({state})")


@config.command("show", epilog="Example: weft config show")
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """Every setting, where it comes from, and what it is for; secrets are hidden."""
    from interface.cli.printing import print_json, print_table

    lines = launcher_of(context).shown()
    for sentence in launcher_of(context).unknown():
        typer.echo(sentence, err=True)
    if as_json:
        print_json(
            [{"variable": line.variable, "value": line.value, "source": line.source, "description": line.description} for line in lines]
        )
    else:
        rows = [(line.variable, line.value, line.source, line.description) for line in lines]
        print_table(("VARIABLE", "VALUE", "FROM", "WHAT IT IS"), rows)


def doctor(context: typer.Context, database: Database = None, redis: RedisUrl = None, as_json: AsJson = False) -> None:
    """Examine database, Redis, clocks, leases, the queue and models, and say what to do; changes nothing.

    Exit code 1 when something failed.
    """
    import asyncio

    from interface.cli.doctoring import examine

    asyncio.run(examine(launcher_of(context), as_json, database_url=database, redis_url=redis))
