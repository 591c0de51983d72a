"""`http_fetch`: what stands at a URL, as text or bytes. It only reads, and goes where the door lets it."""

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, cast

from domain.errors import ToolError
from domain.json import Json
from domain.ports.clock import Clock
from domain.ports.tools import ToolContext
from domain.tool import Tool, ToolMetadata, ToolType
from infrastructure.outgoing.addresses import Refused
from infrastructure.outgoing.messages import Answer, Ask, Asks, NotAnswered
from infrastructure.tools.runnable import RunnableTool

MAX_BYTES: Final = 1024 * 1024
SECONDS: Final = 30.0
_PASSES: Final = frozenset({"timeout", "connection_failed", "connection_lost"})
_LATER: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_CHARSET: Final = re.compile(r";\s*charset=\"?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_UNSHOWN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_TEXT: Final = re.compile(r"text/|application/(.*\+)?(json|xml|yaml|x-yaml|javascript|x-www-form-urlencoded)$|image/svg\+xml$")

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
            raise ToolError(error.message, error.code, retryable=error.code in _PASSES) from None
        if answer.status >= 400 and not arguments.get("any_status"):
            raise _failed(answer, clock.now())
        return _shown(answer)

    return RunnableTool(TOOL, fetch)


def _failed(answer: Answer, now: datetime) -> ToolError:
    said = _text(answer, _charset(answer))[:500].strip()
    return ToolError(
        f"{answer.url} answered {answer.status}{': ' + said if said else ''}",
        f"http_{answer.status}",
        retryable=answer.status in _LATER,
        retry_after=retry_after(answer.headers.get("retry-after", ""), now),
    )


def retry_after(said: str, now: datetime) -> float | None:
    """Seconds, from the header's two forms; None for anything else."""
    if _SECONDS.fullmatch(said.strip()):
        return float(said)
    try:
        at = parsedate_to_datetime(said[:100])
        return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())
    except (ValueError, OverflowError):
        return None


def _shown(answer: Answer) -> Json:
    kind = answer.headers.get("content-type", "")
    charset = _charset(answer)
    is_text = charset is not None or _TEXT.match(kind.partition(";")[0].strip().lower()) is not None
    return {
        "status": answer.status,
        "url": answer.url,
        "headers": {name: _UNSHOWN.sub("\ufffd", value) for name, value in answer.headers.items()},
        "content_type": _UNSHOWN.sub("\ufffd", kind),
        "text": _text(answer, charset) if is_text else None,
        "base64": None if is_text else base64.b64encode(answer.body).decode("ascii"),
        "truncated": answer.is_cut,
    }


def _text(answer: Answer, charset: str | None) -> str:
    """What cannot be read, and what would steer a terminal, is shown as a mark."""
    try:
        found = answer.body.decode(charset or "utf-8", "replace")
    except (LookupError, ValueError):
        found = answer.body.decode("utf-8", "replace")
    return _UNSHOWN.sub("\ufffd", found)


def _charset(answer: Answer) -> str | None:
    found = _CHARSET.search(answer.headers.get("content-type", "")[:1_000])
    return found[1] if found else None
