"""How much all workspaces of one tenant hold together."""

import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from domain.errors import ToolError
from infrastructure.tools.builtin.files.bounds import TENANT_BYTES, TENANT_ENTRIES
from infrastructure.tools.builtin.files.walking import size_of

MEASURED_SECONDS: Final = 60.0


@dataclass(slots=True)
class Held:
    measured_at: float = -math.inf
    entries: int = 0
    file_bytes: int = 0


class Quota:
    """What is written here is counted at once. What others write or remove is seen when the folder is measured again: by the next that is
    written after a minute."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._held: dict[tuple[int, int], Held] = {}
        self._lock = threading.Lock()

    def take(self, tenant: int, entries: int, file_bytes: int) -> None:
        """Room in the tenant's open folder, or `ToolError` `tenant_full`. Fewer than no bytes are given back."""
        held = self._measured(tenant)
        with self._lock:
            if entries > 0 and held.entries + entries > TENANT_ENTRIES:
                raise _full(f"{TENANT_ENTRIES:,} files and folders")
            if file_bytes > 0 and held.file_bytes + file_bytes > TENANT_BYTES:
                raise _full(f"{TENANT_BYTES:,} bytes")
            held.entries += entries
            held.file_bytes += file_bytes

    def _measured(self, tenant: int) -> Held:
        status = os.fstat(tenant)
        with self._lock:
            held, now = self._held.setdefault((status.st_dev, status.st_ino), Held()), self._now()
            is_old = now - held.measured_at >= MEASURED_SECONDS
            if is_old:
                held.measured_at = now  # whoever comes meanwhile does not measure too
        if is_old:
            size = size_of(tenant, TENANT_ENTRIES + 1)
            with self._lock:
                held.entries, held.file_bytes = size.entries, size.file_bytes
        return held


def _full(most: str) -> ToolError:
    return ToolError(
        f"all workspaces of the tenant together take {most}: the owner removes those that nobody needs any more", "tenant_full"
    )
