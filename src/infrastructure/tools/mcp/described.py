"""A tool from its approved description."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

from domain.json import Json, JsonObject
from domain.tool import Effects, Tool, ToolLimits, ToolMetadata, ToolType
from infrastructure.tools.mcp.naming import name_of
from infrastructure.tools.mcp.settings import ServerPart
from infrastructure.tools.native import WORDLESS


def tool_of(server: str, part: ServerPart, document: JsonObject) -> Tool:
    named = str(document["name"])
    return Tool(
        name=name_of(server, named),
        tool_type=ToolType.MCP,
        parameters=_schema(document.get("inputSchema")) or {"type": "object"},
        metadata=ToolMetadata(str(document.get("description") or WORDLESS), author=server, tags=("mcp", server)),
        returns=_schema(document.get("outputSchema")),
        effects=_effects(part, named, document.get("annotations")),
        limits=ToolLimits(seconds=part.seconds),
    )


def _schema(said: Json) -> JsonObject:
    return said if isinstance(said, Mapping) else {}


def _effects(part: ServerPart, named: str, annotations: Json) -> Effects:
    told = next((effects for pattern, effects in part.effects.items() if fnmatchcase(named, pattern)), None)
    if told is not None:
        return told
    if part.trust_annotations and isinstance(annotations, Mapping):
        if annotations.get("readOnlyHint") is True:
            return Effects.NONE
        if annotations.get("idempotentHint") is True:
            return Effects.IDEMPOTENT
    return Effects.ONCE
