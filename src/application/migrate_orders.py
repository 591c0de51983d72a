"""What is asked for when parked runs are to move to another version of their workflow, and what is answered."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from application.views import View
from domain.run.fitting import Misfit

MOST_NODES: Final = 1_000
Version = Annotated[str, Field(strict=True, max_length=301, pattern=r"^[^@\x00]+@[^@\x00]+$")]
"""`name@version`"""
NodeName = Annotated[str, Field(strict=True, min_length=1, max_length=2000, pattern=r"^[^\x00]+$")]


class MigrateOrder(BaseModel):
    """`nodes`: old names of nodes -> new ones; what is left out keeps its name. Of a node in an inner graph the old name is its path
    (`review/draft`), the new one its name alone. A page of the parked runs is looked at: `cursor` is what the answer before called
    `next_cursor`."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, populate_by_name=True)

    source: Annotated[Version, Field(alias="from")]
    target: Annotated[Version, Field(alias="to")]
    nodes: Annotated[dict[NodeName, NodeName], Field(max_length=MOST_NODES)] = Field(default_factory=dict)
    dry_run: Annotated[bool, Field(strict=True)] = False
    limit: Annotated[int, Field(strict=True, ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(strict=True, min_length=1, max_length=512, pattern=r"^[!-~]+$")] = None


class MigrationStatus(StrEnum):
    FITS = "fits"
    MOVED = "moved"
    MISFIT = "misfit"
    BUSY = "busy"


class MisfitView(View):
    """`where`: an activation, a node or a channel; "" for the run as a whole."""

    where: str
    code: str
    message: str

    @classmethod
    def of(cls, found: Misfit) -> "MisfitView":
        return cls(where=found.where, code=found.code, message=found.message)


class MigrationView(View):
    """`fits`: a dry run would move it. `misfit`: `problems` say why it stays. `busy`: something goes on in it; ask again."""

    run_id: str
    thread_id: str
    status: MigrationStatus
    problems: list[MisfitView]
