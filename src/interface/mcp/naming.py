"""Names under which workflows and tools are offered: letters, digits, `_` and `-`, 64 at most, as every host of the protocol takes them."""

import hashlib
import re
from typing import Final

RUN: Final = "run_"
TOOL: Final = "tool_"
START_RUN, GET_RUN, ANSWER_RUN, CANCEL_RUN = OURS = ("start_run", "get_run", "answer_run", "cancel_run")
_LONGEST: Final = 64
_LETTER: Final = re.compile(r"[A-Za-z]")
_STRANGE: Final = re.compile(r"[^A-Za-z0-9_-]")


def of_workflow(name: str) -> str:
    return _fitting(RUN + name)


def of_tool(name: str) -> str:
    """Its own, unless that could be taken for one of ours or of a workflow."""
    is_taken = name in OURS or name.startswith((RUN, TOOL)) or not _LETTER.match(name)
    return _fitting(TOOL + name if is_taken else name)


def _fitting(name: str) -> str:
    """What had to be changed ends in a digest of what it was, so that no two names become one."""
    plain = _STRANGE.sub("_", name)
    if plain == name and len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{plain[: _LONGEST - 9]}_{digest}"
