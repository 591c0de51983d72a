"""Variables that look like settings and are none: most likely somebody mistyped one."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from settings import PREFIX, Settings

OF_THE_COMMAND: Final = ("WEFT_SERVER", "WEFT_API_KEY", "WEFT_DEBUG")
"""Read by the command `weft` itself."""


def unknown_variables(environment: Mapping[str, str]) -> Sequence[str]:
    """A sentence for each, in the order of their names; it names the nearest known one, and never a value."""
    known = {*(PREFIX + name.upper() for name in Settings.model_fields), *OF_THE_COMMAND}
    mistyped = [name for name in sorted(environment) if name.upper().startswith(PREFIX) and _plain(name) not in known]
    return [_said(name, sorted(known)) for name in mistyped]


def _plain(name: str) -> str:
    return name.upper().split("__")[0]


def _said(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(_plain(name).removeprefix(PREFIX), [one.removeprefix(PREFIX) for one in known], n=1)
    return f"{name} is no setting" + (f" (is {PREFIX}{near[0]} meant?)" if near else "")
