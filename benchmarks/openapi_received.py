"""A request as a server got it, and what the texts in it may have been."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Received:
    """`headers`: names in small letters."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


def is_many(schema: Any) -> bool:
    return schema.get("type") in ("array", "object")


def fields_of(request: Received) -> set[str]:
    kind = request.headers.get("content-type", "")
    if "multipart" in kind:
        message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + request.body)
        return {str(part.get_param("name", header="content-disposition")) for part in message.iter_parts()}
    return {name for name, _ in parse_qsl(request.body.decode(), keep_blank_values=True)}


def typed(found: Any) -> list[Any]:
    """What a text may have been before it was one."""
    if isinstance(found, list):
        return [[read(one) for one in found]]
    if isinstance(found, dict):
        return [{name: read(one) for name, one in found.items()}]
    return [
        read(found),
        [found],
        [read(found)],
        *([[read(one) for one in found.split(",")], found.split(",")] if isinstance(found, str) else []),
    ]


def read(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def step(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
