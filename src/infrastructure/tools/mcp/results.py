"""What a server's tool answered, as JSON."""

from typing import TYPE_CHECKING

from domain.errors import ToolError
from domain.json import Json
from infrastructure.tools.mcp.texts import tame

if TYPE_CHECKING:
    from mcp_types import CallToolResult, ContentBlock


def output_of(result: "CallToolResult", most: int) -> Json:
    """What it structured, or its texts as one, or its parts. `ToolError` when it says that it failed, or says more than `most` bytes."""
    if result.is_error:
        raise ToolError(tame(_text(result)) or "it failed and does not say why", "tool_failed")
    size = sum(_size(block) for block in result.content)
    if size > most:
        raise ToolError(f"it answered {size:,} characters, which is more than the {most:,} it may", "output_too_large")
    if result.structured_content is not None:
        structured: Json = result.structured_content
        return structured
    if all(block.type == "text" for block in result.content):
        return _text(result)
    return [_part(block) for block in result.content]


def _text(result: "CallToolResult") -> str:
    return "\n".join(block.text for block in result.content if block.type == "text")


def _part(block: "ContentBlock") -> dict[str, Json]:
    if block.type == "text":
        return {"type": "text", "text": block.text}
    if block.type == "resource_link":
        return {"type": "resource_link", "uri": str(block.uri), "name": block.name, "mime": block.mime_type}
    if block.type == "resource":
        content = block.resource
        held: dict[str, Json] = {"text": content.text} if hasattr(content, "text") else {"base64": content.blob}
        return {"type": "resource", "uri": str(content.uri), "mime": content.mime_type, **held}
    return {"type": block.type, "mime": block.mime_type, "base64": block.data}


def _size(block: "ContentBlock") -> int:
    return sum(len(value) for value in _part(block).values() if isinstance(value, str))
