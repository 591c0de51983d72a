"""What a server's tool is called here: `SERVER__TOOL`, in the letters that model providers take."""

import re
from hashlib import sha256
from typing import Final

from infrastructure.tools.calling import NAME

LONGEST: Final = 64
_STRANGE: Final = re.compile(r"[^A-Za-z0-9_-]")


def name_of(server: str, tool: str) -> str:
    """The same for the same two; a name that is too long or has other letters in it ends in eight of its digest, so that two never meet."""
    name = f"{server}__{tool}"
    if NAME.fullmatch(name):
        return name
    mark = sha256(tool.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{_STRANGE.sub('_', name)[: LONGEST - 9]}_{mark}"
