"""How much may lie in a workspace, and in all those of one tenant."""

from typing import Final

MAX_FILE: Final = 16 * 1024 * 1024
MAX_WORKSPACE: Final = 256 * 1024 * 1024
MAX_ENTRIES: Final = 5_000
TENANT_BYTES: Final = 4 * 1024 * 1024 * 1024
TENANT_ENTRIES: Final = 100_000
