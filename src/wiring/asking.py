"""What nodes ask when they ask a model: the service's models, and what stands before them."""

from domain.ports.cache import Cache
from infrastructure.outgoing.messages import Asks
from infrastructure.secrets.redactor import Redactor
from infrastructure.store.later import Later, LaterModule
from wiring.taping import Tape, taped_models


def asked_of(models: Later, cache: Cache, door: Asks, tape: Tape | None, redactor: Redactor) -> Later:
    """Images are fetched before anybody looks whether the call was made before: another picture at the same address is another call. What
    a tape answers, too, knows the prompt that was rendered."""

    def answered() -> object:
        from infrastructure.models.caching import CachedModels
        from infrastructure.models.images import SeeingModels

        return SeeingModels(CachedModels(models, cache), door)

    taped = taped_models(Later(answered), tape, redactor)
    return LaterModule("infrastructure.models.prompted").PromptedModels(taped)
