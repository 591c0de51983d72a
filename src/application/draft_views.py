"""What is asked of a model that writes a workflow, and what came of it."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from application.run_views import CostView, UsageView
from application.views import View
from application.workflow_views import ProblemView

MOST_REPAIRS: Final = 10


class DraftOrder(BaseModel):
    """`description`: what the workflow is to do. `repairs`: how often the model may mend what it wrote. `seconds`: for all of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    description: Annotated[str, Field(min_length=1, max_length=20_000)]
    model: Annotated[str, Field(min_length=1, max_length=200)] = "fast"
    repairs: Annotated[int, Field(strict=True, ge=0, le=MOST_REPAIRS)] = 3
    seconds: Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)] = 300.0


class DraftView(View):
    """`document`: the last that was written; null when that was no document: then `answer` has the words. `stopped`: why there was no
    further attempt, where a model failed, a budget had no room, the time was over, or an offline model cannot do it; null otherwise."""

    valid: bool
    document: dict[str, JsonValue] | None
    answer: str | None
    problems: list[ProblemView]
    warnings: list[ProblemView]
    attempts: int
    stopped: str | None
    usage: UsageView
    cost: CostView
