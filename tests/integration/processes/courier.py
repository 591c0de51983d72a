"""`weft`, with one tool more: `courier` takes the secret `canary` to a server of this machine, and is as careless as a tool can be with
what it says.

python -m tests.integration.processes.courier serve
"""

import logging
from base64 import b64encode
from typing import Any
from urllib.parse import quote

import weft
from bootstrap import Shared
from domain.errors import ToolError
from domain.ports.clock import Clock
from domain.ports.secrets import Secrets
from domain.ports.tools import ToolContext
from domain.secret import origin_of
from infrastructure.outgoing.addresses import Addresses, Allowed
from infrastructure.outgoing.door import Door
from infrastructure.outgoing.messages import Ask
from infrastructure.schemas import JsonSchemas
from infrastructure.store.later import Later
from infrastructure.store.store import Store
from infrastructure.tools.builtin.memory import memory_tools
from infrastructure.tools.native import native_tool
from infrastructure.tools.registry import InstalledTools
from infrastructure.tools.runnable import RunnableTool
from settings import Settings
from wiring.reaching import Reach

HOST = "127.0.0.1"
log = logging.getLogger("infrastructure.courier")


def courier_with(secrets: Secrets) -> RunnableTool:
    door = Door(Addresses(Allowed(names=(HOST,))))

    async def courier(url: str, context: ToolContext) -> dict[str, Any]:
        value = await secrets.get("canary", context.tenant, origin_of(url))
        context.tell(f"taking {value} to {url}")
        log.warning("taking %s", value, extra={"deep": [{"value": value}]})
        if url.endswith("/raised"):
            raise KeyError(value)
        basic = b64encode(f"weft:{value}".encode()).decode()
        headers = {"X-Key": value, "Authorization": f"Basic {basic}"}
        answer = await door.ask(Ask(f"{url}?key={quote(value, safe='')}", "GET", headers))
        body = answer.body.decode()
        if answer.status >= 400:
            raise ToolError(f"{answer.url} answered {answer.status}: {body}"[:500], f"http_{answer.status}")
        return {"url": answer.url, "headers": dict(answer.headers), "body": body}

    return native_tool(courier)


def installed(settings: Settings, reach: Reach, schemas: JsonSchemas, clock: Clock, store: Store, secrets: Secrets) -> Later:
    return Later(lambda: InstalledTools(schemas, clock, [*memory_tools(store.items, clock), courier_with(secrets)]))


Shared.tools.set_provides(installed)
Shared.tools.add_args(Shared.secrets)

if __name__ == "__main__":
    weft.main()
