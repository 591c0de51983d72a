"""Which models there are."""

from dataclasses import dataclass

from application.paging import PageOrder, slice_of
from application.views import ModelView, PageView
from domain.access import Principal, Role
from domain.ports.models import Models


@dataclass(frozen=True, slots=True)
class ListModels:
    models: Models

    async def __call__(self, who: Principal, order: PageOrder) -> PageView[ModelView]:
        """Aliases first."""
        who.must_be(Role.VIEWER)
        return slice_of(await self.models.survey(), order, ModelView.of)
