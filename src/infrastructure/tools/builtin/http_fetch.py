"""`http_fetch`: what stands at a URL, as text or bytes. It only reads, and goes where the door lets it."""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Final, cast

from domain.errors import ToolError
from domain.json import Json
from domain.ports.clock import Clock
from domain.ports.tools import ToolContext
from domain.tool import Tool, ToolMetadata, ToolType
from infrastructure.outgoing.addresses import Refused
from infrastructure.outgoing.messages import Answer, Ask, Asks, NotAnswered
from infrastructure.outgoing.passing import PASSES, is_passing
from infrastructure.outgoing.texts import excerpt, is_text, shown, text_of
from infrastructure.retry_after import retry_after
from infrastructure.tools.runnable import RunnableTool

MAX_BYTES: Final = 1024 * 1024
SECONDS: Final = 30.0

TOOL: Final = Tool(
    name="http_fetch",
    tool_type=ToolType.BUILTIN,
    metadata=ToolMetadata(
        "Fetches what stands at a public http:// or https:// URL: text as text, everything else in base64.", tags=("http",)
    ),
    parameters={
        "type": "object",
        "properties": {
            "url": {"type": "string", "minLength": 8, "maxLength": 8_000},
            "method": {"enum": ["GET", "HEAD"], "default": "GET"},
            "headers": {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 50},
            "max_bytes": {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_BYTES,
                "description": "A longer body is cut to so many bytes, and `truncated` says so; 262144 when not given.",
            },
            "any_status": {"type": "boolean", "description": "Return answers of 400 and more too, instead of failing with `http_404`."},
        },
        "required": ["url"],
        "additionalProperties": False,
    },
    returns={
        "type": "object",
        "properties": {
            "status": {"type": "integer"},
            "url": {"type": "string", "description": "Where it came from, after redirects."},
            "headers": {"type": "object", "additionalProperties": {"type": "string"}},
            "content_type": {"type": "string"},
            "text": {"type": ["string", "null"]},
            "base64": {"type": ["string", "null"]},
            "truncated": {"type": "boolean"},
        },
        "required": ["status", "url", "headers", "content_type", "text", "base64", "truncated"],
        "additionalProperties": False,
    },
    examples=(
        {
            "arguments": {"url": "https://example.com/hello"},
            "output": {
                "status": 200,
                "url": "https://example.com/hello",
                "headers": {"content-type": "text/plain"},
                "content_type": "text/plain",
                "text": "Hello",
                "base64": None,
                "truncated": False,
            },
        },
    ),
)


def http_fetch(door: Asks, clock: Clock) -> RunnableTool:
    async def fetch(arguments: Mapping[str, Json], context: ToolContext) -> Json:
        ask = Ask(
            cast(str, arguments["url"]),
            cast(str, arguments.get("method", "GET")),
            cast(dict[str, str], arguments.get("headers", {})),
            seconds=SECONDS,
            most=cast(int, arguments.get("max_bytes", MAX_BYTES // 4)),
            cut=True,
        )
        try:
            answer = await door.ask(ask)
        except Refused as error:
            raise ToolError(str(error), "address_refused") from None
        except NotAnswered as error:
            raise ToolError(error.message, error.code, retryable=error.code in PASSES) from None
        if answer.status >= 400 and not arguments.get("any_status"):
            raise _failed(answer, clock.now())
        return _shown(answer)

    return RunnableTool(TOOL, fetch)


def _failed(answer: Answer, now: datetime) -> ToolError:
    said = excerpt(answer)
    return ToolError(
        f"{answer.url} answered {answer.status}{': ' + said if said else ''}",
        f"http_{answer.status}",
        retryable=is_passing(answer.status),
        retry_after=retry_after(answer.headers.get("retry-after", ""), now),
    )


def _shown(answer: Answer) -> Json:
    return {
        "status": answer.status,
        "url": answer.url,
        "headers": {name: shown(value) for name, value in answer.headers.items()},
        "content_type": shown(answer.headers.get("content-type", "")),
        "text": text_of(answer) if is_text(answer) else None,
        "base64": None if is_text(answer) else base64.b64encode(answer.body).decode("ascii"),
        "truncated": answer.is_cut,
    }
