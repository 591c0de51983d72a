"""What the rows of an ended run tell does not change any more: read out of all of them once, it is remembered for a while."""

from dataclasses import dataclass

import structlog
from pydantic import ValidationError

from application.activations import describe
from application.run_views import ActivationView, RunView
from application.views import View
from domain.ports.cache import Cache
from domain.ports.journal import Journal
from domain.run.run import Run

log = structlog.get_logger(__name__)


class RowsView(View):
    """As the members of `RunView`."""

    activations: list[ActivationView]
    activations_total: int
    rows_removed: bool = False
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class Describe:
    """`activations.describe`, with a memory for ended runs. What stands in the run's own row is always read."""

    journal: Journal
    cache: Cache

    async def __call__(self, run: Run) -> RunView:
        if not run.status.is_final:
            return await describe(self.journal, run)
        key = f"rows:{run.tenant}:{run.id}"
        known = _read(await self.cache.get(key))
        if known is not None:
            told = known.activations, known.activations_total, known.versions
            return RunView.whole(run, *told, rows_removed=known.rows_removed)
        view = await describe(self.journal, run)
        rows = RowsView(**{name: getattr(view, name) for name in RowsView.model_fields})
        await self.cache.set(key, rows.model_dump_json().encode())
        return view


def _read(content: bytes | None) -> RowsView | None:
    """None too for what another version of Weft wrote."""
    if content is None:
        return None
    try:
        return RowsView.model_validate_json(content)
    except ValidationError as error:
        log.debug("a remembered run is of another version", errors=error.error_count())
        return None
