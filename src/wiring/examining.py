"""What `weft doctor` looks at; loaded when it is asked for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from domain.ports.clock import Clock
from domain.ports.lanes import Lanes
from settings import Settings
from wiring.adapters import chosen_models
from wiring.secrets import redactor_of, secrets_of

if TYPE_CHECKING:
    from application.examination_views import ExaminationView


async def examination_of(settings: Settings, clock: Clock, unknown: Sequence[str]) -> "ExaminationView":
    from application.doctoring import Examine
    from infrastructure.checkup.installation import Installation
    from infrastructure.checkup.store import StoreCheckup
    from infrastructure.models.discretion import Discretion
    from infrastructure.models.registry import ConfiguredModels

    def models(lanes: Lanes) -> ConfiguredModels:
        chosen, redactor = chosen_models(settings), redactor_of(settings)
        discretion = Discretion(secrets_of(settings, redactor), redactor.nameless)
        discretion.check(chosen.endpoints)
        return ConfiguredModels(chosen, discretion=discretion, lanes=lanes, clock=clock)

    installation = Installation(StoreCheckup(settings.database_url, clock), settings.redis_url, models)
    return await Examine(installation, clock, settings.lease_seconds, unknown)()
