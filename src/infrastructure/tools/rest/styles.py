"""How values stand in a URL: the styles of OpenAPI 3 for paths and queries."""

from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeAlias
from urllib.parse import quote

from domain.json import Json
from infrastructure.tools.rest.templates import text_of

PathStyle: TypeAlias = Literal["simple", "label", "matrix"]
QueryStyle: TypeAlias = Literal["form", "spaceDelimited", "pipeDelimited", "deepObject"]
_BETWEEN: Final[Mapping[str, str]] = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}


def encoded(text: str) -> str:
    """Every character that could mean something is spelled out; half a character becomes a question mark."""
    return quote(text, safe="", errors="replace")


def path_text(name: str, value: Json, style: PathStyle = "simple", explode: bool = False) -> str:
    match style:
        case "simple":
            return ",".join(_flat(value, encoded, explode))
        case "label":
            return "." + ("." if explode else ",").join(_flat(value, encoded, explode))
        case "matrix":
            return _matrix(encoded(name), value, explode)


def _matrix(name: str, value: Json, explode: bool) -> str:
    if explode and isinstance(value, Mapping):
        return "".join(f";{pair}" for pair in _flat(value, encoded, explode))
    if explode and isinstance(value, list | tuple):
        return "".join(f";{name}={one}" for one in _flat(value, encoded, explode))
    return f";{name}={','.join(_flat(value, encoded, explode))}"


def query_pairs(name: str, value: Json, style: QueryStyle = "form", explode: bool = True) -> list[tuple[str, str]]:
    """Names and values as they are sent, percent-encoded. Nothing is sent for an empty list or object."""
    known = encoded(name)
    if isinstance(value, Mapping):
        if style == "deepObject":
            return [(f"{known}[{encoded(member)}]", encoded(text_of(one))) for member, one in value.items()]
        if explode:
            return [(encoded(member), encoded(text_of(one))) for member, one in value.items()]
        return [(known, _BETWEEN[style].join(_flat(value, encoded, False)))] if value else []
    if isinstance(value, list | tuple):
        if explode or style == "deepObject":
            return [(known, encoded(text_of(one))) for one in value]
        return [(known, _BETWEEN[style].join(_flat(value, encoded, False)))] if value else []
    return [(known, encoded(text_of(value)))]


def header_text(value: Json) -> str:
    """Style `simple`."""
    return ",".join(_flat(value, lambda text: text, False))


def _flat(value: Json, spell: Callable[[str], str], explode: bool) -> list[str]:
    if isinstance(value, Mapping):
        pairs = [(spell(name), spell(text_of(one))) for name, one in value.items()]
        return [f"{name}={one}" for name, one in pairs] if explode else [text for pair in pairs for text in pair]
    if isinstance(value, list | tuple):
        return [spell(text_of(one)) for one in value]
    return [spell(text_of(value))]
