"""One message of the protocol and what it is answered with, in whichever revision its client speaks."""

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request
from starlette.types import Receive, Send

from application.access import Principal
from application.desk import Desk
from interface.mcp.server import Speaking, server_for


async def exchange(desk: Desk, who: Principal, request: Request, session: str, receive: Receive, send: Send) -> None:
    """Everything it needs is opened here and closed when it has been answered."""
    settings, stopping = request.app.state.settings, request.app.state.stopping
    speaking = Speaking(settings.version, settings.mcp_seconds, stopping, session)
    manager = StreamableHTTPSessionManager(
        server_for(desk, who, speaking), stateless=True, max_request_body_size=settings.max_body_bytes + 1
    )
    async with manager.run():
        await manager.handle_request(request.scope, receive, send)
