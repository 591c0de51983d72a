"""Commands for what is remembered across threads: put, get, list and delete items of a service."""

import json
from typing import Annotated
from urllib.parse import quote

import typer

from interface.cli.options import AsJson, Limit, ServerKey, ServerUrl

items = typer.Typer(help="Remember values across runs and threads, in namespaces.", no_args_is_help=True)

Item = Annotated[str, typer.Argument(metavar="NAMESPACE/KEY", help="The namespace, 1 to 10 names, and the key: user/ada/colour.")]


def add_to(root: typer.Typer) -> None:
    root.add_typer(items, name="items", rich_help_panel="A running service")


def _path(item: str) -> str:
    return f"/v1/items/{quote(item)}"


@items.command("put", epilog="""Example: weft items put user/ada/likes '{"colour": "blue"}' --ttl 86400""")
def put_item(
    item: Item,
    value: Annotated[str, typer.Argument(metavar="JSON|@FILE", help="Any JSON: a text in its own quotes; @- reads stdin.")],
    ttl: Annotated[int | None, typer.Option(min=1, metavar="SECONDS", help="After so long it is gone; else it stays.")] = None,
    expected: Annotated[
        int | None, typer.Option(min=0, metavar="VERSION", help="Only over this version, 0 for none; else over whatever is there.")
    ] = None,
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """Keep a value under a key, and print the version that it got."""
    from interface.cli.client import connected
    from interface.cli.documents import read_value
    from interface.cli.printing import print_json

    order = {"value": read_value(value, "JSON"), "ttl_seconds": ttl, "expected_version": expected}
    with connected(server, key) as there:
        view = there.put(_path(item), order)
    if as_json:
        print_json(view)
    else:
        print(view["version"])


@items.command("get", epilog="Example: weft items get user/ada/likes")
def get_item(item: Item, server: ServerUrl = None, key: ServerKey = None, as_json: AsJson = False) -> None:
    """The value of an item; with --json all about it."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json, print_output

    with connected(server, key) as there:
        view = there.get(_path(item))
    if as_json:
        print_json(view)
    else:
        print_output(view["value"])


@items.command("list", epilog="""Example: weft items list user/ada --text blue --filter '{"size": {"$gte": 3}}'""")
def list_items(
    prefix: Annotated[str, typer.Argument(metavar="[NAMESPACE]", help="A namespace, or its first names; else all.")] = "",
    text: Annotated[str | None, typer.Option(metavar="WORDS", help="Each of them is somewhere in the value's texts.")] = None,
    wanted: Annotated[
        str | None, typer.Option("--filter", metavar="JSON|@FILE", help="An object of members that are equal; owner.name is one inside.")
    ] = None,
    server: ServerUrl = None,
    key: ServerKey = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Items by namespace and key."""
    from interface.cli.client import connected
    from interface.cli.documents import read_object
    from interface.cli.printing import print_json, print_table

    members = None if wanted is None else json.dumps(read_object(wanted, "--filter"))
    with connected(server, key) as there:
        found = there.items("/v1/items", limit, prefix=prefix or None, text=text, filter=members)
    if as_json:
        print_json(found)
    else:
        rows = ((f"{one['namespace']}/{one['key']}", json.dumps(one["value"], ensure_ascii=False), str(one["version"])) for one in found)
        print_table(("ITEM", "VALUE", "VERSION"), rows)


@items.command("delete", epilog="Example: weft items delete user/ada/likes")
def delete_item(item: Item, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Forget an item."""
    from interface.cli.client import connected

    with connected(server, key) as there:
        there.delete(_path(item))
    print(f"{item} is forgotten")
