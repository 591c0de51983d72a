"""What `weft doctor` looks at; loaded when it is asked for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from domain.ports.clock import Clock
from settings import Settings

if TYPE_CHECKING:
    from application.doctoring import ExaminationView


async def examination_of(settings: Settings, clock: Clock, unknown: Sequence[str]) -> "ExaminationView":
    from application.doctoring import Examine
    from infrastructure.checkup.installation import Installation
    from infrastructure.checkup.store import StoreCheckup

    installation = Installation(StoreCheckup(settings.database_url, clock), settings.redis_url)
    return await Examine(installation, clock, settings.lease_seconds, unknown)()
