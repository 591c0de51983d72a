"""A server that repeats what it was sent: credentials do not come back with its answer."""

import json
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from infrastructure.outgoing.messages import Answer

INSTEAD: Final = "[secret]"
_SHORTEST: Final = 8
"""Anything shorter stands in texts by chance."""


def concealed(answer: Answer, sent: Collection[str]) -> Answer:
    forms = sorted({form for value in sent if len(value) >= _SHORTEST for form in _forms(value)}, key=len, reverse=True)
    body, headers = answer.body, dict(answer.headers)
    for form in forms:
        body = body.replace(form.encode("utf-8", "replace"), INSTEAD.encode())
        headers = {name: value.replace(form, INSTEAD) for name, value in headers.items()}
    return replace(answer, body=body, headers=headers) if forms else answer


def _forms(value: str) -> Iterator[str]:
    yield value
    yield quote(value, safe="", errors="replace")
    yield json.dumps(value)[1:-1]
