"""Keys, directly in the database: whoever holds the database is its admin."""

import sys

from application.access import KeyOrder, Role, local_admin
from interface.cli.failures import CommandFailed
from interface.cli.launcher import Launcher, quiet
from interface.cli.printing import print_json, print_table


async def create_key(launcher: Launcher, tenant: str, role: str, name: str, as_json: bool, **flags: object) -> None:
    """The key alone on stdout, so that it can be piped; the rest on stderr."""
    if role not in list(Role):
        raise CommandFailed(f"--role {role} is not known: use {', '.join(Role)}")
    async with launcher.open_app(patient=False, log=quiet(), **flags) as app:
        made = await app.desk.create_key(local_admin(tenant), KeyOrder(role=Role(role), name=name))
    if as_json:
        print_json(made.model_dump(mode="json"))
        return
    print(made.key)
    print(f"key {made.id} of {made.tenant}, role {made.role.value}: it is not shown again", file=sys.stderr)


async def list_keys(launcher: Launcher, tenant: str, as_json: bool, **flags: object) -> None:
    async with launcher.open_app(patient=False, log=quiet(), **flags) as app:
        found = await app.desk.list_keys(local_admin(tenant))
    if as_json:
        print_json([key.model_dump(mode="json", exclude={"key"}) for key in found])
    else:
        print_table(("KEY", "ROLE", "NAME", "CREATED"), [(key.id, key.role.value, key.name, key.created_at.isoformat()) for key in found])


async def remove_key(launcher: Launcher, tenant: str, key: str, **flags: object) -> None:
    async with launcher.open_app(patient=False, log=quiet(), **flags) as app:
        await app.desk.remove_key(local_admin(tenant), key)
    print(f"key {key} is removed")
