"""What is remembered across threads as rows, and back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

from domain.errors import ItemChanged, ItemNotFound
from domain.ids import TenantId
from domain.item import SEPARATOR, Item, Namespace, words_in
from domain.ports.items import ItemFilter
from infrastructure.store.codec import encode, plain
from infrastructure.store.rows import Row, moment, seconds

Values: TypeAlias = Mapping[str, Any]
"""By column."""
_NOWHERE: Final = "\0"


def joined(namespace: Namespace) -> str:
    return SEPARATOR.join(namespace)


def item_values(item: Item) -> Values:
    return {
        "tenant": item.tenant,
        "namespace": joined(item.namespace),
        "key": item.key,
        "created_at": seconds(item.created_at),
        "updated_at": seconds(item.updated_at),
        "expires_at": None if item.expires_at is None else seconds(item.expires_at),
        "body": encode({"version": item.version, "value": item.value}),
        "words": words_in(item.value).replace(_NOWHERE, " "),  # PostgreSQL's texts cannot hold it
    }


def item_of(row: Row) -> Item:
    tenant, namespace, key, created_at, updated_at, expires_at, body, _words = row
    told = plain(body)
    return Item(
        TenantId(tenant),
        tuple(namespace.split(SEPARATOR)),
        key,
        told["value"],
        moment(created_at),
        moment(updated_at),
        None if expires_at is None else moment(expires_at),
        told["version"],
    )


def succeeding(item: Item, there: Item | None, expected: int | None) -> Item:
    """What to keep of `item` where `there` is now, expired or not. `ItemChanged` when that is not the version expected."""
    living = there if there is not None and not there.is_expired(item.updated_at) else None
    version = living.version if living is not None else 0
    if expected not in (None, version):
        told = f"is at version {version}" if version else "is not there"
        raise ItemChanged(f"{joined(item.namespace)}/{item.key} {told}, not at version {expected}: read it again")
    created_at = living.created_at if living is not None else item.created_at
    return replace(item, created_at=created_at, version=there.version + 1 if there is not None else 1)


def words_of(wanted: ItemFilter) -> list[str]:
    return wanted.text.lower().replace(_NOWHERE, " ").split()


def fits(item: Item, wanted: ItemFilter) -> bool:
    return all(condition.holds(item.value) for condition in wanted.conditions)


def no_item(namespace: Namespace, key: str) -> ItemNotFound:
    return ItemNotFound(f"there is no item {joined(namespace)}/{key}")
