"""A record of the history as a line of a table."""

import json
from collections.abc import Sequence
from typing import Final

from application.views import plainly
from interface.cli.happenings import Members
from interface.cli.printing import money

_SHOWN: Final = 80


def line_of(record: Members) -> Sequence[str]:
    told = record["data"]
    said = told.get("content")
    return (record["timestamp"], record["record_type"], record["run"] or "", _what(record, told), "" if said is None else _said(said))


def _what(record: Members, told: Members) -> str:
    """The facts of it, in a few words."""
    match record["record_type"]:
        case "llm_request":
            return f"{record['model']}: {told['messages']} messages, {told['characters']} characters"
        case "token_usage":
            return f"{record['model']}: {told['total_tokens']} tokens"
        case "cost_record":
            cost = told["cost"]
            return f"{record['model']}: {money(cost['amount'], cost['currency']) if cost else 'price unknown'}"
        case "workflow_execution":
            return f"{told['workflow']}: {told['status']} after {told['seconds']:.3f} s"
        case _:
            return f"{told.get('tool') or record['model']}: {'done' if told['success'] else told['error']} in {told['seconds']:.3f} s"


def _said(content: Members) -> str:
    text = plainly(" ".join(_text(one) for one in _told(content)).replace("\n", " "))
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "\u2026"


def _told(content: Members) -> Sequence[object]:
    """Of a request its last message, of anything else all of it."""
    if content.get("messages"):
        last = content["messages"][-1]
        return [last.get("content") if isinstance(last, dict) else last]
    return list(content.values())


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
