"""Names for tools and arguments that every model and every mapping takes, the same at each import."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

LONGEST: Final = 64
_HASH: Final = 8
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_-]+")
_ONE: Final = re.compile(r"__+")
"""Two of them stand between a server and its tool, and in no name of a tool that is registered."""
_NO_ARGUMENT: Final = re.compile(r"[^A-Za-z0-9_]+")


def tool_names(operations: Sequence[tuple[str, str, str]], prefix: str) -> list[str]:
    """Of (operation id or "", method, path), all that a document has: those that would be called alike get a hash of method and path,
    so that neither the order nor a filter changes a name."""
    bases = [_base(*operation, prefix) for operation in operations]
    crowd = Counter(bases)
    return [
        base if crowd[base] == 1 and len(base) <= LONGEST else _told_apart(base, f"{method} {path}")
        for base, (_, method, path) in zip(bases, operations, strict=True)
    ]


def _base(operation: str, method: str, path: str, prefix: str) -> str:
    name = prefix + (_spelled(operation) or _spelled(f"{method.lower()} {path}"))
    return name if name[0].isalpha() else f"op_{name}"


def _spelled(text: str) -> str:
    return _ONE.sub("_", _NO_NAME.sub("_", text)).strip("_-")


def _told_apart(base: str, by: str) -> str:
    return f"{base[: LONGEST - _HASH - 1].rstrip('_-')}_{sha256(by.encode()).hexdigest()[:_HASH]}"


def argument_name(written: str, place: str, taken: Iterable[str]) -> str:
    """`filter[name]` becomes `filter_name`; where there is one of that name already, `filter_name_query`."""
    base = _NO_ARGUMENT.sub("_", written).strip("_") or place
    base = base[:LONGEST] if base[0].isalpha() else f"p_{base}"[:LONGEST]
    there = set(taken)
    if base not in there:
        return base
    name, number = f"{base[: LONGEST - 12]}_{place}", 1
    while name in there:
        number += 1
        name = f"{base[: LONGEST - 12]}_{place}_{number}"
    return name


def secret_name(scheme: str) -> str:
    """`Api Key (v2)` becomes `api_key_v2`, as names of secrets are written."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", scheme)
    name = re.sub(r"[^a-z0-9]+", "_", snake.lower()).strip("_") or "secret"
    return (name if name[0].isalpha() else f"key_{name}")[:48]
