"""Keeping leases alive, whatever the nodes of the runs do meanwhile."""

from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

from domain.ids import WorkerId
from domain.ports.journal import Lease

LeasesNow: TypeAlias = Callable[[], Collection[Lease]]
"""Those held at this moment; may be asked on another thread."""
OnLost: TypeAlias = Callable[[Collection[Lease]], None]
"""Told on the event loop which leases are no longer ours."""


class Heart(Protocol):
    def beating(self, worker: WorkerId, lease_seconds: float, leases: LeasesNow, lost: OnLost) -> AbstractAsyncContextManager[None]:
        """While the context is open, every lease is renewed every third of its time. A store that does not answer is asked again."""
