"""What is remembered across threads: put, read, delete and find it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from application.errors import Problem, ValidationError
from application.paging import PageOrder, shown
from application.views import PageView, View, json_value
from domain.access import Principal, Role
from domain.item import MOST_NAMES, NAME_CHARACTERS, SEPARATOR, Item, must_be_namespace
from domain.json import Json
from domain.ports.clock import Clock
from domain.ports.items import ItemFilter, Items
from domain.remembering import LONGEST_TTL, an_item, conditions_of, names_in, place_of

LONGEST_PATH: Final = (MOST_NAMES + 1) * (NAME_CHARACTERS + 1)
"""Characters of a namespace and a key."""
LONGEST_TEXT: Final = 500
LONGEST_FILTER: Final = 1_000
"""With all of these an address is below the 64 KiB that servers take."""


class ItemOrder(BaseModel):
    """`value`: any JSON of at most 256 KiB. `ttl_seconds`: after so long it is gone; null: it stays. `expected_version`: the version that
    must be there, 0 for none; null: whatever is there is replaced."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    value: JsonValue
    ttl_seconds: Annotated[int | None, Field(strict=True, ge=1, le=LONGEST_TTL)] = None
    expected_version: Annotated[int | None, Field(strict=True, ge=0, le=2**53)] = None


class ItemListOrder(PageOrder):
    """`prefix`: the namespace or the first names of it. `text`: each of its words is somewhere in the value's texts, whatever the case.
    `filter`: a JSON object of members that must be equal."""

    cursor: Annotated[str | None, Field(min_length=1, max_length=16_384, pattern=r"^[!-~]+$")] = None
    prefix: Annotated[str, Field(max_length=LONGEST_PATH)] = ""
    text: Annotated[str, Field(max_length=LONGEST_TEXT)] = ""
    filter: Annotated[str | None, Field(min_length=2, max_length=LONGEST_FILTER)] = None

    @property
    def wanted(self) -> ItemFilter:
        """`ValidationError` says which parameter cannot be."""
        prefix = must_be_namespace(names_in(self.prefix)) if self.prefix else ()
        return ItemFilter(prefix, self.text, conditions_of(_object(self.filter)) if self.filter is not None else ())


def _object(written: str) -> dict[str, Json]:
    try:
        read = json.loads(written)
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        message = 'the filter is a JSON object, such as {"owner.name": "ada"}'
        raise ValidationError(message, [Problem("/query/filter", "bad_filter", message)])
    return cast("dict[str, Json]", read)


class ItemView(View):
    """`namespace`: its names with `/` between them. `version` counts the writes from 1 on."""

    namespace: str
    key: str
    value: JsonValue
    version: int
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None

    @classmethod
    def of(cls, item: Item) -> "ItemView":
        return cls(
            namespace=SEPARATOR.join(item.namespace),
            key=item.key,
            value=json_value(item.value),
            version=item.version,
            created_at=item.created_at,
            updated_at=item.updated_at,
            expires_at=item.expires_at,
        )


@dataclass(frozen=True, slots=True)
class ItemDesk:
    """`path`: the namespace and the key, `user/ada/colour`."""

    items: Items
    clock: Clock

    async def put(self, who: Principal, path: str, order: ItemOrder) -> ItemView:
        """`ItemChanged` when another version is there than expected."""
        who.must_be(Role.OPERATOR)
        namespace, key = place_of(path)
        item = an_item(who.tenant, namespace, key, cast("Json", order.value), self.clock.now(), order.ttl_seconds)
        return ItemView.of(await self.items.put(item, order.expected_version))

    async def get(self, who: Principal, path: str) -> ItemView:
        who.must_be(Role.VIEWER)
        return ItemView.of(await self.items.get(who.tenant, *place_of(path), self.clock.now()))

    async def delete(self, who: Principal, path: str) -> None:
        who.must_be(Role.OPERATOR)
        await self.items.delete(who.tenant, *place_of(path), self.clock.now())

    async def search(self, who: Principal, order: ItemListOrder) -> PageView[ItemView]:
        """By namespace and key."""
        who.must_be(Role.VIEWER)
        return shown(await self.items.search(who.tenant, order.wanted, self.clock.now(), order.limit, order.cursor), ItemView.of)
