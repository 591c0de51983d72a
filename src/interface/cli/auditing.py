"""The audit trail on the screen."""

import re
import sys
from collections.abc import Mapping
from typing import Final

import typer
from pydantic import ValidationError

from application.access import local_admin
from application.audit import Head
from application.audit_views import PLACE, AuditListOrder, ChainView, DeedView, head_of
from interface.cli.failures import CommandFailed, Exit
from interface.cli.launcher import Launcher, quiet
from interface.cli.printing import print_json, print_table

_PAGE: Final = 200


async def list_deeds(launcher: Launcher, tenant: str, words: Mapping[str, str | None], limit: int, as_json: bool, **flags: object) -> None:
    found: list[DeedView] = []
    order = _ordered(words, limit)
    async with launcher.open_app(patient=False, log=quiet(), **flags) as app:
        while len(found) < limit:
            page = await app.desk.audit.list(local_admin(tenant), order)
            found += page.items
            if page.next_cursor is None:
                break
            order = order.model_copy(update={"cursor": page.next_cursor})
    if as_json:
        print_json([deed.model_dump(mode="json") for deed in found[:limit]])
    else:
        print_table(("NUMBER", "TIME", "WHO", "ACTION", "RESOURCE", "EFFECT", "RULE"), (_line(deed) for deed in found[:limit]))


async def verify(launcher: Launcher, tenant: str, kept: str | None, as_json: bool, **flags: object) -> None:
    """Ends with 1 when a record does not fit."""
    expected = None if kept is None else _head_of(kept)
    _must_be_there(launcher, **flags)
    async with launcher.open_app(patient=False, log=quiet(), **flags) as app:
        found = await app.desk.audit.verify(local_admin(tenant), kept=expected, tell=_tell)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print("\n".join(_told(found)))
    if not found.whole or not found.number:
        raise typer.Exit(Exit.FAILED)


def _must_be_there(launcher: Launcher, **flags: object) -> None:
    """To verify makes nothing: a database that is not there is not one whose trail fits."""
    found, _ = launcher.schema(**flags)
    if found is None:
        raise CommandFailed("there is no database of Weft under this URL: look at --database and WEFT_DATABASE_URL")


def _ordered(words: Mapping[str, str | None], limit: int) -> AuditListOrder:
    try:
        return AuditListOrder.model_validate({**words, "limit": min(limit, _PAGE)})
    except ValidationError as error:
        first = error.errors()[0]
        raise CommandFailed(f"--{first['loc'][0]} {first['input']}: {first['msg'].removeprefix('Value error, ')}") from error


def _head_of(kept: str) -> Head:
    if not re.fullmatch(PLACE, kept):
        raise CommandFailed(f"--kept {kept}: say NUMBER:DIGEST, as `weft audit verify` printed it")
    return head_of(kept)


def _line(deed: DeedView) -> tuple[str, ...]:
    return (str(deed.number), deed.at.isoformat(), deed.who, deed.action, deed.resource, deed.effect, deed.rule)


def _tell(read: int, of: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{read:,} of {of:,} records", end="", file=sys.stderr, flush=True)


def _told(chain: ChainView) -> list[str]:
    last = f"{chain.number}:{chain.digest}"
    if chain.broken is None and not chain.number:
        return ["there is no record: is it the right database, and the right tenant?", last]
    if chain.broken is None:
        return [f"records that fit: {chain.read:,}, all there are", last]
    at = "" if chain.broken.at is None else f" of {chain.broken.at.isoformat()}"
    return [f"record {chain.broken.number}{at}: {chain.broken.reason}", f"records before it that fit: {chain.read:,}", last]
