"""What a server said becomes the output of a tool, or its failure."""

import base64
import json
import re
from datetime import datetime
from typing import Final, NoReturn

from domain.errors import ToolError
from domain.json import Json
from infrastructure.outgoing.addresses import Refused
from infrastructure.outgoing.messages import Answer, NotAnswered
from infrastructure.outgoing.passing import PASSES, is_passing, is_unclear
from infrastructure.outgoing.texts import excerpt, is_text, kind_of, shown, text_of
from infrastructure.retry_after import retry_after
from infrastructure.tools.rest.spec import Spec

_MARKED: Final = re.compile(rb"\\u(00[0189]|007f|d[89a-f])|[\x7f\xc2]", re.IGNORECASE)
"""Where it is nowhere in JSON, no string of it has anything in it that is not to be shown."""


def output_of(spec: Spec, answer: Answer) -> Json:
    body = body_of(spec, answer)
    if spec.config.result == "body":
        return body
    return {"status": answer.status, "headers": {name: shown(value) for name, value in answer.headers.items()}, "body": body}


def body_of(spec: Spec, answer: Answer) -> Json:
    """JSON, text, or base64 of what is neither; None when there is nothing."""
    if not answer.body:
        return None
    kind = kind_of(answer)
    if kind in ("application/json", "text/json") or kind.endswith("+json"):
        return _parsed(spec, answer)
    if is_text(answer) or (not kind and _is_utf8(answer.body)):
        return text_of(answer)
    return base64.b64encode(answer.body).decode("ascii")


def _is_utf8(body: bytes) -> bool:
    try:
        return "\x00" not in body.decode()
    except UnicodeDecodeError:
        return False


def _parsed(spec: Spec, answer: Answer) -> Json:
    body = answer.body
    text = body.decode(json.detect_encoding(body), "replace")
    try:
        found: Json = json.loads(text, parse_constant=_no_number)
        return _shown(found) if _MARKED.search(body) else found
    except (ValueError, RecursionError) as error:
        reason = f"{spec.where} says that it answers JSON, and does not: {error}"[:300]
        raise ToolError(reason, "invalid_answer", unknown=not spec.only_reads) from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _shown(value: Json) -> Json:
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, list):
        return [_shown(one) for one in value]
    if isinstance(value, dict):
        return {shown(name): _shown(one) for name, one in value.items()}
    return value


def must_be_good(spec: Spec, answer: Answer, now: datetime) -> Answer:
    """`ToolError` for a refusal of the server, and for an answer that is too long."""
    if answer.status >= 400:
        said = excerpt(answer)
        raise ToolError(
            f"{spec.where} answered {answer.status}{': ' + said if said else ''}",
            f"http_{answer.status}",
            retryable=is_passing(answer.status),
            retry_after=retry_after(answer.headers.get("retry-after", ""), now),
            unknown=is_unclear(answer.status) and not spec.only_reads,
        )
    if answer.is_cut:
        message = f"{spec.where} answered more than {spec.config.max_bytes:,} bytes"
        raise ToolError(message, "answer_too_large", unknown=not spec.only_reads)
    return answer


def failure_of(spec: Spec, error: Refused | NotAnswered) -> ToolError:
    unknown = error.may_have_arrived and not spec.only_reads
    if isinstance(error, Refused):
        return ToolError(str(error), "address_refused", unknown=unknown)
    return ToolError(f"{spec.where}: {error.message}", error.code, retryable=error.code in PASSES, unknown=unknown)
