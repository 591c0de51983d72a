"""What a library alone takes for a piece of a stream: it reads so many at once, and does nothing with them.

python -m benchmarks.relay_alone WHICH PORT STREAMS     prints the CPU seconds of all pieces; WHICH: aiohttp, httpx, ours, litellm
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.relay_provider import tell

MESSAGES = [{"role": "user", "content": "hi"}]
MODEL = "openai/gpt-4o-mini"


async def by_aiohttp(base: str) -> Callable[[], Awaitable[None]]:
    import aiohttp

    client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=200))

    async def read() -> None:
        body = {"model": "m", "messages": MESSAGES, "stream": True}
        async with client.post(f"{base}/chat/completions", json=body) as response:
            async for line in response.content:
                if line.startswith(b"data: ") and line != b"data: [DONE]\n":
                    json.loads(line[6:])

    return read


async def by_httpx(base: str) -> Callable[[], Awaitable[None]]:
    import httpx2

    client = httpx2.AsyncClient(timeout=600, limits=httpx2.Limits(max_connections=200), trust_env=False)

    async def read() -> None:
        body = {"model": "m", "messages": MESSAGES, "stream": True}
        async with client.stream("POST", f"{base}/chat/completions", json=body) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: ") and line != "data: [DONE]":
                    json.loads(line[6:])

    return read


async def by_our_models(base: str, adapter: str) -> Callable[[], Awaitable[None]]:
    """Our adapter, with everything that a call of an alias goes through."""
    from domain.model import ModelRequest
    from infrastructure.models.registry import ConfiguredModels
    from infrastructure.models.settings import Endpoint, ModelSettings

    models = ConfiguredModels(ModelSettings({"fast": MODEL}, {MODEL: Endpoint(base, adapter=adapter)}))

    async def read() -> None:
        await models.complete(ModelRequest("fast", tuple(MESSAGES), timeout_seconds=600.0), lambda text: None)

    return read


async def by_litellm(base: str) -> Callable[[], Awaitable[None]]:
    from infrastructure.models.litellm import _load

    library: Any = _load()

    async def read() -> None:
        asked = {"model": MODEL, "messages": MESSAGES, "stream": True, "api_base": base, "api_key": "x", "timeout": 600}
        async for _ in await library.acompletion(**asked):
            pass

    return read


async def main(which: str, port: int, streams: int) -> None:
    base = f"http://127.0.0.1:{port}/v1"
    libraries = {"aiohttp": by_aiohttp, "httpx": by_httpx, "litellm": by_litellm}
    read = await libraries[which](base) if which != "ours" else await by_our_models(base, "openai")
    reading = [asyncio.create_task(read()) for _ in range(streams)]
    await tell(port, f"/ready/{streams}")
    began = time.process_time()
    await tell(port, "/go")
    await asyncio.gather(*reading)
    print(time.process_time() - began)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
