"""Servers that speak as OpenAI does, without a library in between: litellm takes half a millisecond for each piece of a stream.

Where models are is the owner's decision, not a document's, so that calls do not go through the door that tools reach others by: a server
of one's own may well be on a private address. Nothing of the environment takes part, and no redirect is followed with the key in hand.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from domain.errors import ModelError
from domain.model import ModelRequest, ModelResponse, OnText
from infrastructure.models.answer import Answer
from infrastructure.models.discretion import Discretion
from infrastructure.models.events import events
from infrastructure.models.failures import charged, model_error, no_answer_in
from infrastructure.models.listing import Listing
from infrastructure.models.options import asked_of
from infrastructure.models.pieces import refusal, take
from infrastructure.models.providers import KEY_VARIABLES
from infrastructure.models.refusals import refused
from infrastructure.models.settings import Endpoint, ModelSettings
from infrastructure.models.words import shortened

if TYPE_CHECKING:
    import aiohttp

ADDRESSES: Final[Mapping[str, str]] = {
    "openai": "https://api.openai.com/v1",
    "deepseek": "https://api.deepseek.com/v1",
    "groq": "https://api.groq.com/openai/v1",
    "mistral": "https://api.mistral.ai/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "together_ai": "https://api.together.xyz/v1",
    "xai": "https://api.x.ai/v1",
}
"""Where providers are that speak so. Any other needs `api_base`."""
NO_KEY: Final = "none"
_HEADER: Final = re.compile(r"[\x21-\x7e]+")
MOST_BYTES: Final = 32 * 1024 * 1024
CONNECT_SECONDS: Final = 10.0
_MOST_CONNECTIONS: Final = 200
_LONGEST_HEADER: Final = 64 * 1024


class CompatibleModels:
    """Answers for `provider/model` where the owner chose the adapter `openai`."""

    prefix = ""

    def __init__(self, settings: ModelSettings, listing: Listing, discretion: Discretion = Discretion()) -> None:  # noqa: B008 (frozen)
        self._environment = settings.environment
        self._listing = listing
        self._discretion = discretion
        self._http: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        endpoint = await self._discretion.ready(request.model, self._listing.endpoint(request.model))
        body = {**asked_of(request), "model": request.model.partition("/")[2] or request.model}
        if on_text is not None:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        answer = Answer(request, self._listing.price_of(request))
        limit = asyncio.timeout(request.timeout_seconds)
        try:
            async with limit:
                await self._asked(self._address(request.model, endpoint), self._key(request.model, endpoint), body, answer, on_text)
            return answer.response()
        except asyncio.CancelledError as cancelled:
            charged(cancelled, answer.left())
            raise
        except ModelError as error:
            charged(error, answer.usage)
            raise
        except Exception as failure:  # the library's own, and whatever reading what no schema describes raises
            if limit.expired():
                raise charged(no_answer_in(request.timeout_seconds), answer.left()) from None
            raise charged(self._failed(failure, answer), answer.usage) from failure

    async def _asked(self, url: str, key: str, body: dict[str, object], answer: Answer, on_text: OnText | None) -> None:
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json", "accept-encoding": "identity"}
        async with self._client().post(url, data=json.dumps(body).encode(), headers=headers, allow_redirects=False) as response:
            pieces = response.content.iter_any()
            if response.status >= 300:
                raise self._refused(response, await _whole(pieces), answer.request.model)
            if on_text is None:
                take(answer, json.loads(await _whole(pieces)))
                return
            await _streamed(pieces, answer, on_text)

    def _refused(self, response: "aiohttp.ClientResponse", body: bytes, model: str) -> ModelError:
        try:
            words, codes = refusal(json.loads(body))
        except ValueError:
            words, codes = "", ""
        return refused(response.status, shortened(words, self._discretion.redact), codes, response.headers, model, datetime.now(UTC))

    def _failed(self, failure: Exception, answer: Answer) -> ModelError:
        import aiohttp

        model, words = answer.request.model, shortened(str(failure) or type(failure).__name__, self._discretion.redact)
        if not isinstance(failure, aiohttp.ClientError | OSError):
            return model_error("model_garbage", f"{model}: the answer could not be read: {words}")
        return model_error("model_stream_cut" if answer.begun else "model_unavailable", f"{model}: {words}")

    def _address(self, model: str, endpoint: Endpoint) -> str:
        base = endpoint.api_base or ADDRESSES.get(self._listing.provider(model))
        if base is None:
            raise model_error("model_bad_request", f"{model}: nobody knows where it is: set `api_base` in WEFT_MODEL_ENDPOINTS")
        return f"{base.rstrip('/')}/chat/completions"

    def _key(self, model: str, endpoint: Endpoint) -> str:
        """An address of one's own never gets the provider's key from the environment."""
        if endpoint.api_base is not None or endpoint.api_key:
            if not _HEADER.fullmatch(endpoint.api_key or NO_KEY):
                raise model_error(
                    "model_auth", f"{model}: its `api_key` has characters that no key has"
                )  # said by the library, it shows it
            return endpoint.api_key or NO_KEY
        provider = self._listing.provider(model)
        return next((key for name in KEY_VARIABLES.get(provider, ()) if (key := self._environment.get(name))), NO_KEY)

    def _client(self) -> "aiohttp.ClientSession":
        """Without cookies, and without anything of the environment."""
        if self._http is None:
            import aiohttp
            import httpcore

            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_MOST_CONNECTIONS, ssl=httpcore.default_ssl_context()),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
                max_line_size=_LONGEST_HEADER,
                max_field_size=_LONGEST_HEADER,
            )
        return self._http


async def _whole(pieces: AsyncIterator[bytes]) -> bytes:
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > MOST_BYTES:
            raise ValueError(f"it is longer than {MOST_BYTES:,} bytes")
    return bytes(body)


async def _streamed(pieces: AsyncIterator[bytes], answer: Answer, on_text: OnText) -> None:
    async for event in events(pieces, MOST_BYTES):
        if "error" in event:
            words, codes = refusal(event)
            raise refused(500, words, codes, {}, answer.request.model, datetime.now(UTC))
        if text := take(answer, event):
            on_text(text)
    if answer.finish is None:
        if not answer.begun:
            raise model_error("model_garbage", f"{answer.request.model}: the answer could not be read")
        raise model_error("model_stream_cut", f"{answer.request.model}: the answer broke off")
