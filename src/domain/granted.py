"""Lists of what somebody is granted: `charge` is that name, `mail.*` every name that begins so, `*` every name.

A list that is absent says nothing; one that is empty grants nothing.
"""

from collections.abc import Iterable
from typing import Final, TypeAlias

ANY: Final = "*"
MOST_NAMED: Final = 20
Grants: TypeAlias = tuple[str, ...]


def grants(entries: Iterable[str], name: str) -> bool:
    return any(covers(entry, name) for entry in entries)


def covers(entry: str, name: str) -> bool:
    """Also whether all that another entry grants is granted by this one."""
    return name.startswith(entry[:-1]) if entry.endswith(ANY) else name == entry


def both(one: Grants | None, other: Grants | None) -> Grants | None:
    """What the two lists grant together: of each pair the narrower entry, where one lies in the other."""
    if one is None or other is None or one == other:
        return other if one is None else one
    found = [entry for entry in one if grants(other, entry)]
    return tuple(dict.fromkeys([*found, *(entry for entry in other if grants(one, entry))]))


def named(entries: Iterable[str]) -> str:
    """For a sentence."""
    found = list(entries)
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return ", ".join(found[:MOST_NAMED]) + more or "none at all"
