"""Is it alive, is it ready, what does it count. These ask for no key: probes have none."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from application.errors import Problem
from application.health import ReadinessView
from interface.rest import problems
from interface.rest.auth import TheDesk
from interface.rest.openapi import Responses, fail

router = APIRouter(tags=["health"])

_METRICS: Responses = {200: {"description": "Prometheus text", "content": {"text/plain": {"schema": {"type": "string"}}}}}


class AliveView(BaseModel):
    status: str


@router.get("/livez")
async def livez() -> AliveView:
    """The process answers."""
    return AliveView(status="alive")


@router.get("/readyz", response_model=ReadinessView, responses=fail(503, "Some part is not ready; `problems` says which, and why."))
async def readyz(desk: TheDesk, request: Request) -> ReadinessView | Response:
    """Everything that a request or a run needs is there."""
    found = await desk.check_readiness()
    if found.ready:
        return found
    missing = [Problem(f"/parts/{name}", "not_ready", part.reason) for name, part in found.parts.items() if part.needed and not part.ready]
    names = ", ".join(problem.pointer.removeprefix("/parts/") for problem in missing)
    return problems.answer(request, 503, "not_ready", f"not ready: {names}", missing, {"Retry-After": "1"})


@router.get("/metrics", response_class=Response, responses=_METRICS)
async def metrics(request: Request) -> Response:
    content, media_type = request.app.state.render_metrics()
    return Response(content, media_type=media_type)
