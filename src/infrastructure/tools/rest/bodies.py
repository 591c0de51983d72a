"""What a request carries: JSON, a form, several parts, or text."""

import base64
import binascii
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from domain.errors import ToolError
from domain.json import Json
from infrastructure.tools.rest.items import QueryItem
from infrastructure.tools.rest.templates import Given, Missing, Template, Tree, filled, templates_in, text_of


@dataclass(frozen=True, slots=True)
class Content:
    data: bytes
    content_type: str


class Body(Protocol):
    def content(self, given: Given) -> Content | None:
        """None when nothing is to be sent."""

    def templates(self) -> Iterator[Template]:
        """All there are in it."""


@dataclass(frozen=True, slots=True)
class JsonBody:
    tree: Tree
    content_type: str

    def content(self, given: Given) -> Content | None:
        value = filled(self.tree, given)
        if isinstance(value, Missing):
            return None
        return Content(json.dumps(value, separators=(",", ":"), allow_nan=False).encode(), self.content_type)

    def templates(self) -> Iterator[Template]:
        return templates_in(self.tree)


@dataclass(frozen=True, slots=True)
class FormBody:
    items: tuple[QueryItem, ...]

    def content(self, given: Given) -> Content:
        names = {item.name for item in self.items}
        pairs = [pair for item in self.items for pair in item.pairs(given, names)]
        text = "&".join(f"{name}={value}" for name, value in pairs).replace("%20", "+")
        return Content(text.encode("ascii"), "application/x-www-form-urlencoded")

    def templates(self) -> Iterator[Template]:
        return (template for item in self.items for template in templates_in(item.tree))


@dataclass(frozen=True, slots=True)
class TextBody:
    template: Template
    content_type: str

    def content(self, given: Given) -> Content | None:
        text = self.template.text(given)
        return None if isinstance(text, Missing) else Content(text.encode("utf-8", "replace"), self.content_type)

    def templates(self) -> Iterator[Template]:
        yield self.template


@dataclass(frozen=True, slots=True)
class BytesBody:
    """`template` gives base64."""

    template: Template
    content_type: str

    def content(self, given: Given) -> Content | None:
        packed = self.template.text(given)
        return None if isinstance(packed, Missing) else Content(_unpacked("body", packed), self.content_type)

    def templates(self) -> Iterator[Template]:
        yield self.template


@dataclass(frozen=True, slots=True)
class File:
    """`is_packed`: what it holds is base64."""

    held: Template
    is_packed: bool
    filename: Template
    content_type: str

    def part(self, name: str, given: Given) -> bytes | None:
        held = self.held.text(given)
        if isinstance(held, Missing):
            return None
        called = self.filename.text(given)
        shown = name if isinstance(called, Missing) else called
        data = _unpacked(f"file {name}", held) if self.is_packed else held.encode("utf-8", "replace")
        return _part(f'name="{_quoted(name)}"; filename="{_quoted(shown)}"', self.content_type, data)


@dataclass(frozen=True, slots=True)
class MultipartBody:
    """Objects are sent as JSON, lists as a part for each element."""

    fields: Mapping[str, Tree | File]
    boundary: Callable[[], str] = lambda: secrets.token_hex(16)

    def content(self, given: Given) -> Content:
        parts = [part for name, one in self.fields.items() for part in _parts(name, one, given)]
        boundary = f"weft-{self.boundary()}".encode("ascii")
        lines = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
        return Content(lines + b"--" + boundary + b"--\r\n", f"multipart/form-data; boundary={boundary.decode('ascii')}")

    def templates(self) -> Iterator[Template]:
        for one in self.fields.values():
            yield from (one.held, one.filename) if isinstance(one, File) else templates_in(one)


def _parts(name: str, one: Tree | File, given: Given) -> list[bytes]:
    if isinstance(one, File):
        part = one.part(name, given)
        return [] if part is None else [part]
    disposition = f'name="{_quoted(name)}"'
    return [
        _part(disposition, "application/json" if isinstance(value, Mapping) else "", text_of(value).encode("utf-8", "replace"))
        for value in _several(filled(one, given))
    ]


def _part(disposition: str, content_type: str, data: bytes) -> bytes:
    kind = f"\r\nContent-Type: {content_type}" if content_type else ""
    return f"Content-Disposition: form-data; {disposition}{kind}\r\n\r\n".encode("utf-8", "replace") + data


def _several(value: Json | Missing) -> list[Json]:
    """Null and what is missing is not sent."""
    if value is None or isinstance(value, Missing):
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _quoted(text: str) -> str:
    """As browsers do: nothing in a name ends its line or its quotes."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").replace("\x00", "%00")


def _unpacked(name: str, held: str) -> bytes:
    try:
        return base64.b64decode(held, validate=True)
    except (binascii.Error, ValueError):
        raise ToolError(f"invalid arguments: the {name} is not given in base64", "invalid_arguments") from None
