"""What an unknown name may have been meant for."""

from collections.abc import Sequence
from typing import Final

MOST_SHOWN: Final = 10
MOST_COMPARED: Final = 500


def no_tool(name: str, names: Sequence[str]) -> str:
    """All names where there are few; else those most like it, and how many there are."""
    if len(names) <= MOST_SHOWN:
        return f"there is no tool {name}; there are {', '.join(names)}"
    from difflib import get_close_matches

    near = get_close_matches(name, _compared(name, names), MOST_SHOWN)
    said = f"; like it are called {', '.join(near)}" if near else ""
    return f"there is no tool {name}; there are {len(names):,} others{said}"


def _compared(name: str, names: Sequence[str]) -> Sequence[str]:
    """Comparing costs: of many, those that begin alike."""
    if len(names) <= MOST_COMPARED:
        return names
    begins = name[:3].casefold()
    return [one for one in names if one[:3].casefold() == begins][:MOST_COMPARED]
