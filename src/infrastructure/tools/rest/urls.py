"""The URL of a tool: where it leads is fixed, and an argument in its path stays the piece of the path that it is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from domain.errors import ToolError
from domain.json import Json
from infrastructure.outgoing.addresses import Place, Refused, place_of
from infrastructure.tools.rest.references import Reading
from infrastructure.tools.rest.styles import PathStyle, path_text
from infrastructure.tools.rest.templates import Given, text_of

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_SLASHES: Final = re.compile(r"[/\\]")
_SPELLINGS: Final = 4
"""As it stands, and decoded so often (less one) by a server before it looks at it."""


@dataclass(frozen=True, slots=True)
class PathPart:
    name: str
    style: PathStyle = "simple"
    explode: bool = False

    def text(self, given: Given) -> str:
        """`ToolError` for what would be another path."""
        value = given.argument((self.name,))
        if value is None or value == "" or not isinstance(value, bool | int | float | str | list | tuple | Mapping):
            raise _no_piece(self.name, "is empty")
        if any(_climbs(text) for text in _texts(value)):
            raise _no_piece(self.name, "leads to another path")
        return path_text(self.name, value, self.style, self.explode)


@dataclass(frozen=True, slots=True)
class UrlTemplate:
    """`segments` of the path, between its slashes. `query`: what the URL itself has behind its question mark."""

    origin: str
    place: Place
    segments: tuple[tuple[str | PathPart, ...], ...]
    query: str

    def path(self, given: Given) -> str:
        return "/".join(self._segment(segment, given) for segment in self.segments)

    def _segment(self, parts: tuple[str | PathPart, ...], given: Given) -> str:
        text = "".join(part if isinstance(part, str) else part.text(given) for part in parts)
        for part in parts:
            if isinstance(part, PathPart) and (not text or _climbs(text)):
                raise _no_piece(part.name, "leads to another path")
        return text


def _no_piece(name: str, why: str) -> ToolError:
    return ToolError(f"invalid arguments: /{name}: {why}", "invalid_arguments")


def _texts(value: Json) -> list[str]:
    if isinstance(value, Mapping):
        return [*value, *map(text_of, value.values())]
    return [text_of(one) for one in value] if isinstance(value, list | tuple) else [text_of(value)]


def _climbs(text: str) -> bool:
    """Is a piece of it `.` or `..`, however often it is decoded?"""
    for _ in range(_SPELLINGS):
        if any(piece.partition(";")[0] in (".", "..") for piece in _SLASHES.split(text)):
            return True
        text = unquote(text)
    return False


def read_url(reading: Reading, url: str, styles: Mapping[str, tuple[PathStyle, bool]], required: frozenset[str]) -> UrlTemplate | None:
    """None when it is no URL at all. `required`: arguments that every call has."""
    at = ("url",)
    if "${" in url:
        reading.wrong(at, "no_reference", "an argument of the path is written {name}; no secret belongs in a URL")
        return None
    try:
        parts, place = urlsplit(url), place_of(_PLACEHOLDER.sub("x", url))
    except (Refused, ValueError) as error:
        reading.wrong(at, "invalid_url", str(error))
        return None
    if "{" in parts.scheme + parts.netloc or "}" in parts.netloc:
        reading.wrong(at, "fixed_host", "the host of a tool is fixed: arguments stand in the path")
    if "{" in parts.query:
        reading.wrong(at, "no_placeholder", "what an argument adds behind the question mark belongs in `query`")
    if "#" in url:
        reading.wrong(at, "no_fragment", "what follows # is never sent")
    segments = tuple(_read_segment(reading, segment, styles, required) for segment in parts.path.split("/"))
    found = {part.name for segment in segments for part in segment if isinstance(part, PathPart)}
    for name in styles.keys() - found:
        reading.wrong(("path", name), "not_in_url", f"the URL has no {{{name}}}")
    return UrlTemplate(f"{parts.scheme}://{parts.netloc}", place, segments or (("",),), parts.query)


def _read_segment(
    reading: Reading, segment: str, styles: Mapping[str, tuple[PathStyle, bool]], required: frozenset[str]
) -> tuple[str | PathPart, ...]:
    parts: list[str | PathPart] = []
    for number, piece in enumerate(_PLACEHOLDER.split(segment)):
        if number % 2 == 0:
            if "{" in piece or "}" in piece:
                reading.wrong(("url",), "invalid_url", "a brace that is not closed or opened; {name} stands for an argument")
            parts += [piece] if piece else []
            continue
        if piece not in reading.declared:
            reading.wrong(("url",), "unknown_argument", f"`parameters` declares no argument {piece[:80]}")
        elif piece not in required:
            reading.wrong(("url",), "must_be_required", f"{piece} stands in the path: every call needs it, so `parameters` must require it")
        parts.append(PathPart(piece, *styles.get(piece, ("simple", False))))
    return tuple(parts) or ("",)
