"""Whether anybody listens to a tenant's runs: known without asking for each append."""

import time
from collections.abc import Sequence

from domain.ports.webhooks import HEARD_SECONDS
from infrastructure.store.batch import Group
from infrastructure.store.postgres.connections import WriterConnection

_TENANTS = "SELECT DISTINCT tenant FROM webhooks WHERE enabled"


class Hearing:
    """Asked again by the writer itself, before it writes, when what it knows is older than `HEARD_SECONDS`."""

    def __init__(self, connection: WriterConnection) -> None:
        self._connection = connection
        self._tenants: frozenset[str] = frozenset()
        self._asked_at = float("-inf")

    async def mark(self, groups: Sequence[Group]) -> None:
        """Notes in each group that has news whether somebody listens. Raises the driver's errors."""
        changed = [group for group in groups if group.has_news]
        if not changed:
            return
        now = time.monotonic()
        if now - self._asked_at > HEARD_SECONDS:
            self._tenants = frozenset(row[0] for row in await self._connection.rows(_TENANTS))
            self._asked_at = now
        for group in changed:
            group.is_heard = group.tenant in self._tenants
