"""Large values apart from the rows that carry them: each is kept once, under the SHA-256 of its JSON, and a row has a reference in its
place.

A reference is a byte that no JSON text can hold, and the hash: so what is put together again is, byte for byte, what was taken apart.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final, TypeAlias

import orjson

from domain.errors import SerializationError

LARGE: Final = 64 * 1024
"""Bytes of JSON; a value with more is kept apart."""
Values: TypeAlias = dict[str, bytes]
"""Lower-case hex SHA-256 of a value's JSON -> that JSON."""
HAS_REFERENCES: Final = b"\x02"
"""The first byte of a body that has any."""
_REFERENCE: Final = re.compile(rb"\x01([0-9a-f]{64})")
# Where values stand in rows, checkpoints and runs. What else is called so costs a look, and changes nothing.
_OF_VALUES: Final = frozenset({"updates", "input", "state", "values", "channels", "arguments"})
_A_VALUE: Final = frozenset({"output", "answer", "payload", "parked_output", "old", "new", "about"})
_A_LIST_OF_VALUES: Final = frozenset({"inputs", "items", "results"})


def apart(body: bytes, values: Values) -> bytes:
    """A body as it is stored; its large values are added to `values`."""
    if len(body) <= LARGE:
        return body
    before = len(values)
    stored = orjson.dumps(_cut(orjson.loads(body), values))
    return HAS_REFERENCES + stored if len(values) > before or _REFERENCE.search(stored) else body


def _cut(one: object, values: Values) -> object:
    if isinstance(one, dict):
        return {name: _cut_member(name, member, values) for name, member in one.items()}
    return [_cut(item, values) for item in one] if isinstance(one, list) else one


def _cut_member(name: str, member: object, values: Values) -> object:
    if name in _OF_VALUES or name in _A_VALUE:
        if isinstance(member, dict):
            return {key: _kept(value, values) for key, value in member.items()}
        return _kept(member, values)
    if name in _A_LIST_OF_VALUES and isinstance(member, list):
        return [_kept(item, values) for item in member]
    return _cut(member, values)


def _kept(value: object, values: Values) -> object:
    if not isinstance(value, str | list | dict):
        return value
    written = orjson.dumps(value)
    if len(written) <= LARGE:
        return value
    name = sha256(written).hexdigest()
    values[name] = written
    return orjson.Fragment(b"\x01" + name.encode())


def has_references(body: bytes | None) -> bool:
    return body is not None and body[:1] == HAS_REFERENCES


def references(body: bytes) -> set[str]:
    """Of a body that has any."""
    return {name.decode() for name in _REFERENCE.findall(body)}


def together(body: bytes, values: Mapping[str, bytes]) -> bytes:
    """What `apart` was given. `SerializationError` when a value is gone."""
    try:
        return _REFERENCE.sub(lambda found: values[found[1].decode()], body[1:])
    except KeyError as error:
        raise SerializationError(f"the value {error} that a stored row refers to is gone") from error
