"""Paths as templates: which arguments they have, and how a tool's URL writes them."""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, quote

from application.openapi.operations import Operation
from domain.json import Json

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_OPERATORS: Final = "?&#;+./"
_KEPT: Final = "/:@!$&'()*+,;=~%-._{}"
LONGEST: Final = 2_000


def placeholders(operation: Operation) -> Sequence[str]:
    """Each once, in order. `Unusable` for the operators of RFC 6570, which OpenAPI does not have."""
    path = operation.path.partition("#")[0]
    found = list(dict.fromkeys(_PLACEHOLDER.findall(path)))
    odd = [name for name in found if not name or name[0] in _OPERATORS or name.endswith("*")]
    if odd or set("{}") & set(_PLACEHOLDER.sub("", path) + path.partition("?")[2]):
        raise operation.refused("bad_path", "its path is no template as OpenAPI has them: each {name} is one piece of the path")
    return found


def address_of(server: str, path: str, names: Mapping[str, str]) -> str:
    """`names`: of the arguments, by the placeholders. What follows # in a path only tells operations apart."""
    bare = path.partition("#")[0].partition("?")[0]
    quoted = quote(_PLACEHOLDER.sub(lambda found: "{" + names[found[1]] + "}", bare), safe=_KEPT)
    quoted = quoted.replace("${", "%24{")  # which would be a reference
    return server + (quoted if quoted.startswith("/") else f"/{quoted}")


def constants_of(path: str) -> dict[str, Json]:
    """Of the query that some write into a path."""
    query = path.partition("#")[0].partition("?")[2]
    return {name: literal(value) for name, value in parse_qsl(query, keep_blank_values=True)}


def literal(text: str) -> str:
    """In a tool's config, `${` stands for what is filled in."""
    return text.replace("${", "$${")
