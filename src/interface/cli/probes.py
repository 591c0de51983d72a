"""What a worker answers: is it alive, is it ready, what does it count."""

from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from interface.cli.launcher import App


@dataclass(slots=True)
class Probes:
    """`app` None: the process lives, and still waits for its database."""

    app: App | None = None

    async def livez(self, request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(self, request: Request) -> Response:
        if self.app is None:
            return JSONResponse({"ready": False, "parts": {"database": {"ready": False, "reason": "waiting for it"}}}, 503)
        found = await self.app.desk.check_readiness()
        return JSONResponse(found.model_dump(), 200 if found.ready else 503)

    async def metrics(self, request: Request) -> Response:
        if self.app is None:
            return PlainTextResponse("nothing is counted yet: waiting for the database", 503)
        content, media_type = self.app.metrics()
        return Response(content, media_type=media_type)

    def served(self) -> Starlette:
        return Starlette(routes=[Route(f"/{probe.__name__}", probe) for probe in (self.livez, self.readyz, self.metrics)])
