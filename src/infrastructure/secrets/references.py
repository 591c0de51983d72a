"""`${secret.NAME}` in the configuration of tools and models.

A text is read once: what a secret or an argument holds is never read for references again.
"""

import re
from collections.abc import Callable
from typing import Final

from domain.errors import ValidationError
from domain.ids import TenantId
from domain.ports.secrets import Secrets

NAME: Final = r"[a-z][a-z0-9_]{0,63}"
_HOLE: Final = re.compile(r"\$\{([^}]*)(\}?)")
_SECRET: Final = re.compile(rf"\s*secret\.({NAME})\s*")


def names_in(text: str) -> tuple[str, ...]:
    """Of the secrets that it names, each once. `ValidationError` for every other `${...}`."""
    return tuple(dict.fromkeys(_name(hole) for hole in _HOLE.finditer(text)))


def filled(text: str, value_of: Callable[[str], str]) -> str:
    """The text with what `value_of` says of each name. `ValidationError` as `names_in`."""
    return _HOLE.sub(lambda hole: value_of(_name(hole)), text)


async def resolved(text: str, secrets: Secrets, tenant: TenantId, origin: str) -> str:
    """The text as it is sent to `origin`. Raises as `names_in`, and as `Secrets.get`."""
    values = {name: await secrets.get(name, tenant, origin) for name in names_in(text)}
    return filled(text, values.__getitem__)


def _name(hole: re.Match[str]) -> str:
    found = _SECRET.fullmatch(hole[1]) if hole[2] else None
    if found is None:
        raise ValidationError(f"`{hole[0][:80]}` names no secret: write `${{secret.NAME}}`, a name of small letters, digits and _")
    return found[1]
