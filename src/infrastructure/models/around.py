"""Models that are asked through somebody who does more."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.model import ModelCard, ModelRequest
from domain.ports.models import Models
from domain.usage import Usage


@dataclass
class Around:
    """Everything but the call itself is the inner ones' business."""

    inner: Models

    def at_most(self, request: ModelRequest) -> Usage:
        return self.inner.at_most(request)

    def known(self, name: str) -> bool:
        return self.inner.known(name)

    def cards(self) -> Sequence[ModelCard]:
        return self.inner.cards()

    async def survey(self) -> Sequence[ModelCard]:
        return await self.inner.survey()
