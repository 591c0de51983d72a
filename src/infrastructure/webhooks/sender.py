"""Sending over HTTP: one try in bounded time, to an address that was checked, and no further."""

import asyncio
import time
from collections.abc import Mapping
from typing import Final

import httpx

from domain.ports.clock import Clock
from domain.webhook import Attempt
from infrastructure.webhooks.addresses import Addresses, Refused

SECONDS: Final = 10.0
"""For a whole try, from the look-up of the name to what is kept of the answer."""
KEPT_BYTES: Final = 4 * 1024


class HttpSender:
    """No redirects, no proxies, no connection is used twice: on a shared address it might be another receiver's."""

    def __init__(self, addresses: Addresses, clock: Clock, seconds: float = SECONDS) -> None:
        self._addresses, self._clock, self._seconds = addresses, clock, seconds
        self._http: httpx.AsyncClient | None = None

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        at, began = self._clock.now(), time.perf_counter()
        status, error, answer = None, "", ""
        try:
            async with asyncio.timeout(self._seconds):
                status, answer = await self._post(url, headers, body)
        except TimeoutError:
            error = f"no answer within {self._seconds:g} s"
        except Refused as refused:
            error = str(refused)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as failed:
            error = f"{type(failed).__name__}: {failed}"
        return Attempt(at, round(time.perf_counter() - began, 6), status, error[:1_000], answer)

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        target = await self._addresses.find(url)
        asked = httpx.URL(url)
        request = self._client().build_request(
            "POST",
            asked.copy_with(host=target.address),
            headers={**headers, "Host": asked.netloc.decode("ascii")},
            content=body,
            extensions={"sni_hostname": asked.raw_host.decode("ascii")},
        )
        response = await self._client().send(request, stream=True)
        try:
            return response.status_code, await _beginning(response)
        finally:
            await response.aclose()

    def _client(self) -> httpx.AsyncClient:
        """Made with the first delivery: reading the certificates takes a while. It keeps no connection, so there is nothing to close."""
        if self._http is None:
            limits = httpx.Limits(max_keepalive_connections=0)
            self._http = httpx.AsyncClient(timeout=self._seconds, follow_redirects=False, trust_env=False, limits=limits)
        return self._http


async def _beginning(response: httpx.Response) -> str:
    """As text without what no database keeps. Compressed answers are kept as they came: nobody unpacks what a stranger packed."""
    kept = b""
    async for piece in response.aiter_raw():
        kept += piece
        if len(kept) >= KEPT_BYTES:
            break
    return kept[:KEPT_BYTES].decode("utf-8", "replace").replace("\x00", "�")
