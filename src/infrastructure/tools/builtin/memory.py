"""`remember` and `recall`: what runs of a tenant know of one another, in namespaces of a session, a user, a workflow or the tenant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from domain.errors import ItemNotFound, ToolError
from domain.item import PAGE, SEPARATOR, Item, Namespace, must_be_name
from domain.json import Json, JsonObject
from domain.ports.clock import Clock
from domain.ports.items import ItemFilter, Items
from domain.ports.tools import ToolContext
from domain.remembering import LONGEST_TTL, ItemScope, Standpoint, an_item, conditions_of, names_in
from domain.tool import Effects, Tool, ToolMetadata, ToolType
from infrastructure.tools.runnable import RunnableTool

LIMIT: Final = 20
_SEARCHING: Final = frozenset({"text", "filter"})
_KEY: Final[JsonObject] = {"type": "string", "minLength": 1, "maxLength": 200, "description": "Its name in the namespace; no `/`."}
_NAMESPACE: Final[JsonObject] = {"type": "string", "description": "Names with `/` between them, within the scope; none when left out."}
_SCOPE: Final[JsonObject] = {
    "enum": [scope.value for scope in ItemScope],
    "default": ItemScope.WORKFLOW.value,
    "description": "Whose it is. `session` and `user` are those of the run's session.",
}
_ITEM: Final[JsonObject] = {
    "type": "object",
    "properties": {
        "namespace": {"type": "string", "description": "Its whole namespace, as `/v1/items` has it."},
        "key": {"type": "string"},
        "value": {"description": "Any JSON."},
        "version": {"type": "integer", "description": "How often it was written."},
        "updated_at": {"type": "string", "description": "When it was last written."},
    },
    "required": ["namespace", "key", "value", "version", "updated_at"],
    "additionalProperties": False,
}

REMEMBER: Final = Tool(
    name="remember",
    tool_type=ToolType.BUILTIN,
    metadata=ToolMetadata("Keeps a value under a key for later runs, in place of what was there.", tags=("memory",)),
    effects=Effects.IDEMPOTENT,
    parameters={
        "type": "object",
        "properties": {
            "key": _KEY,
            "value": {"description": "Any JSON of at most 256 KiB."},
            "namespace": _NAMESPACE,
            "scope": _SCOPE,
            "ttl_seconds": {"type": "integer", "minimum": 1, "maximum": LONGEST_TTL, "description": "After so long it is gone."},
        },
        "required": ["key", "value"],
        "additionalProperties": False,
    },
    returns={
        "type": "object",
        "properties": {"namespace": {"type": "string"}, "key": {"type": "string"}, "version": {"type": "integer"}},
        "required": ["namespace", "key", "version"],
        "additionalProperties": False,
    },
    examples=(
        {
            "arguments": {"key": "colour", "value": "blue", "scope": "tenant"},
            "output": {"namespace": "tenant", "key": "colour", "version": 1},
        },
    ),
)
RECALL: Final = Tool(
    name="recall",
    tool_type=ToolType.BUILTIN,
    metadata=ToolMetadata("Finds what was remembered: the item of a key, or those whose values have words or members.", tags=("memory",)),
    parameters={
        "type": "object",
        "properties": {
            "key": _KEY,
            "namespace": _NAMESPACE,
            "scope": _SCOPE,
            "text": {"type": "string", "maxLength": 1_000, "description": "Words that are all in the value's texts, whatever the case."},
            "filter": {"type": "object", "description": "Members that are equal: `owner.name` is one in another; `{$gte: 3}` compares."},
            "limit": {"type": "integer", "minimum": 1, "maximum": PAGE, "default": LIMIT},
        },
        "additionalProperties": False,
    },
    returns={
        "type": "object",
        "properties": {
            "found": {"type": "boolean"},
            "value": {"description": "Of the first item; null when there is none."},
            "items": {"type": "array", "items": _ITEM, "description": "By namespace and key, also those of namespaces within."},
        },
        "required": ["found", "value", "items"],
        "additionalProperties": False,
    },
    examples=({"arguments": {"key": "size", "scope": "tenant"}, "output": {"found": False, "value": None, "items": []}},),
)


@dataclass(frozen=True, slots=True)
class Memory:
    items: Items
    clock: Clock

    async def remember(self, arguments: Mapping[str, Any], context: ToolContext) -> Json:
        namespace, ttl = _namespace(arguments, context), arguments.get("ttl_seconds")
        item = an_item(context.tenant, namespace, arguments["key"], arguments["value"], self.clock.now(), ttl)
        kept = await self.items.put(item)
        return {"namespace": SEPARATOR.join(namespace), "key": kept.key, "version": kept.version}

    async def recall(self, arguments: Mapping[str, Any], context: ToolContext) -> Json:
        namespace = _namespace(arguments, context)
        if "key" in arguments:
            found = await self._one(context, namespace, arguments)
        else:
            wanted = ItemFilter(namespace, arguments.get("text", ""), conditions_of(arguments.get("filter", {})))
            found = await self._some(context, wanted, arguments.get("limit", LIMIT))
        return {"found": bool(found), "value": found[0].value if found else None, "items": [_told(item) for item in found]}

    async def _one(self, context: ToolContext, namespace: Namespace, arguments: Mapping[str, Any]) -> list[Item]:
        if not _SEARCHING.isdisjoint(arguments):
            raise ToolError("say `key` for one item, or `text` and `filter` to find some: not both", "invalid_arguments")
        try:
            return [await self.items.get(context.tenant, namespace, must_be_name(arguments["key"]), self.clock.now())]
        except ItemNotFound:
            return []

    async def _some(self, context: ToolContext, wanted: ItemFilter, limit: int) -> list[Item]:
        found: list[Item] = []
        cursor: str | None = None
        while True:
            page = await self.items.search(context.tenant, wanted, self.clock.now(), limit - len(found), cursor)
            found.extend(page.items)
            cursor = page.next_cursor
            if cursor is None or len(found) >= limit:
                return found


def _namespace(arguments: Mapping[str, Any], context: ToolContext) -> Namespace:
    stands = Standpoint(context.workflow_name, context.acting)
    return stands.namespace(ItemScope(arguments.get("scope", ItemScope.WORKFLOW)), names_in(arguments.get("namespace", "")))


def _told(item: Item) -> JsonObject:
    whole = SEPARATOR.join(item.namespace)
    return {"namespace": whole, "key": item.key, "value": item.value, "version": item.version, "updated_at": item.updated_at.isoformat()}


def memory_tools(items: Items, clock: Clock) -> tuple[RunnableTool, ...]:
    memory = Memory(items, clock)
    return RunnableTool(REMEMBER, memory.remember), RunnableTool(RECALL, memory.recall)
