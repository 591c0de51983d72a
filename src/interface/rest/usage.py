"""What calls used and cost."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Response

from application.path_cost_views import PathCostsView
from application.path_costs import PathCostsOrder
from application.times import WrittenTime
from application.usage import UsageOrder
from application.usage_views import UsageReportView, WorkflowTokenStatistics
from interface.rest.auth import Caller, TheDesk
from interface.rest.openapi import Responses, fails

router = APIRouter(tags=["usage"])

_CSV = "text/csv"
_OR_CSV: Responses = {200: {"content": {_CSV: {"schema": {"type": "string"}}}}}


class UsageQuery(UsageOrder):
    """`format`: what `Accept` says when it is not given. CSV has no pages: `limit` and `cursor` mean nothing there."""

    format: Literal["json", "csv"] | None = None


@router.get("/v1/usage", response_model=UsageReportView, response_model_exclude_unset=True, responses={**_OR_CSV, **fails(404)})
async def report_usage(
    who: Caller, desk: TheDesk, order: Annotated[UsageQuery, Query()], accept: Annotated[str, Header(include_in_schema=False)] = ""
) -> UsageReportView | Response:
    """Tokens and cost by day, workflow, node, model, prompt, session and user, of all calls or of some. With `Accept: text/csv` or
    `format=csv` a table with a line for each group and currency."""
    if order.format == "csv" or (order.format is None and _CSV in accept):
        return Response(await desk.usage.csv(who, order), media_type=_CSV, headers={"Vary": "Accept"})
    return await desk.usage.report(who, order)


@router.get("/v1/workflows/{name}/statistics", responses=fails(404))
async def workflow_statistics(
    who: Caller, desk: TheDesk, name: str, since: WrittenTime | None = None, until: WrittenTime | None = None
) -> WorkflowTokenStatistics:
    """How many runs of a workflow were started from `since` on and before `until`, and what its calls used and cost in that time."""
    return await desk.usage.statistics(who, name, since, until)


class PathCostsQuery(PathCostsOrder):
    """`format`: numbers, or the graph with them on it."""

    format: Literal["json", "svg", "mermaid", "dot"] = "json"


_PICTURES = {"svg": "image/svg+xml", "mermaid": "text/vnd.mermaid", "dot": "text/vnd.graphviz"}
_OR_PICTURES: Responses = {200: {"content": {kind: {"schema": {"type": "string"}} for kind in _PICTURES.values()}}}


@router.get("/v1/workflows/{name}/costs", response_model=PathCostsView, responses={**_OR_PICTURES, **fails(404, 413)})
async def workflow_costs(who: Caller, desk: TheDesk, name: str, order: Annotated[PathCostsQuery, Query()]) -> PathCostsView | Response:
    """What each node and each arrow of a version cost, and how often they were visited and taken, in its newest runs that have ended."""
    if order.format == "json":
        return await desk.cost_paths(who, name, order)
    return Response(await desk.cost_paths.picture(who, name, order, order.format), media_type=_PICTURES[order.format])
