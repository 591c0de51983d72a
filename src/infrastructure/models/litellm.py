"""Every provider that litellm knows, behind one adapter.

litellm takes seconds and 180 MB to import and looks around on the network while it does. It is imported here and nowhere else, in a
thread, when a provider's model is first asked or warmed, and told before that to use what it brought along. It neither retries nor
counts money for us: that is the engine's business and `prices.py`'s.
"""

import asyncio
import gc
import importlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Protocol, cast

from domain.errors import ModelError
from domain.model import ModelRequest, ModelResponse, OnText
from infrastructure.models.answer import Answer
from infrastructure.models.discretion import Discretion
from infrastructure.models.failures import charged, model_error, no_answer_in
from infrastructure.models.listing import Listing
from infrastructure.models.options import asked_of
from infrastructure.models.provider_errors import error_from
from infrastructure.models.providers import missing_key
from infrastructure.models.received import Received, take
from infrastructure.models.settings import Endpoint, ModelSettings

NO_KEY = "none"
"""What a server of one's own gets instead of the provider's key."""


class _Library(Protocol):
    """What we use of litellm."""

    acompletion: Callable[..., Awaitable[Received]]
    close_litellm_async_clients: Callable[[], Awaitable[None]]
    telemetry: bool
    suppress_debug_info: bool
    disable_hf_tokenizer_download: bool
    disable_aiohttp_transport: bool


class _Stream(Protocol):
    """litellm's stream. `chunks` are the provider's own pieces, with the usage it reported, if it did."""

    chunks: list[object]
    received_finish_reason: str | None
    intermittent_finish_reason: str | None

    def __aiter__(self) -> AsyncIterator[Received]: ...
    async def aclose(self) -> None: ...


class ProviderModels:
    """Answers for `provider/model`. The library is loaded once per process and shared by all instances."""

    prefix = ""

    def __init__(self, settings: ModelSettings, listing: Listing, discretion: Discretion = Discretion()) -> None:  # noqa: B008 (frozen)
        self._settings = settings
        self._discretion = discretion
        self._listing = listing
        self._library: _Library | None = None
        self._turn = asyncio.Lock()

    async def warm(self) -> None:
        """Loads the library, so that the first call does not have to."""
        await self._loaded()

    async def close(self) -> None:
        """Closes the connections that are kept between calls."""
        if self._library is not None:
            await self._library.close_litellm_async_clients()

    def why_unusable(self, model: str) -> str:
        """Empty when nothing speaks against calling it."""
        endpoint = self._listing.endpoint(model)
        if model in self._settings.endpoints or endpoint.api_base or endpoint.api_key:
            return ""
        return missing_key(self._listing.provider(model), self._settings.environment)

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        endpoint = await self._discretion.ready(request.model, self._listing.endpoint(request.model))
        arguments = {**call_arguments(request), **_way_to(endpoint)}
        answer = Answer(request, self._listing.price_of(request))
        library = await self._loaded()
        try:
            async with asyncio.timeout(request.timeout_seconds):
                await (_whole(library, arguments, answer) if on_text is None else _streamed(library, arguments, answer, on_text))
            return answer.response()
        except TimeoutError:
            raise charged(no_answer_in(request.timeout_seconds), answer.left()) from None
        except ModelError as error:
            raise charged(error, answer.usage) from None
        except asyncio.CancelledError as cancelled:
            charged(cancelled, answer.left())
            raise
        except Exception as failure:  # litellm raises whatever its providers' parsers raise
            said = error_from(failure, model=request.model, begun=answer.begun, redact=self._discretion.redact)
            raise charged(said, answer.usage) from failure

    async def _loaded(self) -> _Library:
        async with self._turn:
            if self._library is None:
                self._library = await asyncio.to_thread(_load)
            return self._library


def call_arguments(request: ModelRequest) -> dict[str, object]:
    """What litellm's `acompletion` takes. An option that is neither forwarded nor part of a script is `model_bad_request`.

    `_skip_mcp_handler`: given tools, litellm would load its gateway for MCP, which needs a package we do not install.
    """
    fixed = {"timeout": request.timeout_seconds, "max_retries": 0, "num_retries": 0, "drop_params": True, "_skip_mcp_handler": True}
    return {**asked_of(request), **fixed, "model": request.model}


def _way_to(endpoint: Endpoint) -> dict[str, str]:
    """An address of one's own never gets the provider's key from the environment."""
    if endpoint.api_base is None:
        return {"api_key": endpoint.api_key} if endpoint.api_key else {}
    return {"api_base": endpoint.api_base, "api_key": endpoint.api_key or NO_KEY}


async def _whole(library: _Library, arguments: Mapping[str, object], answer: Answer) -> None:
    take(answer, await library.acompletion(**arguments, stream=False))


async def _streamed(library: _Library, arguments: Mapping[str, object], answer: Answer, on_text: OnText) -> None:
    """Closes the provider's stream however it ends. litellm ends a broken one as if it were complete: its own pieces tell."""
    stream: _Stream = await library.acompletion(**arguments, stream=True, stream_options={"include_usage": True})
    async with aclosing(stream):
        async for piece in stream:
            if text := take(answer, piece):
                on_text(text)
    answer.reported = answer.counted is not None and any(getattr(piece, "usage", None) for piece in stream.chunks)
    if stream.received_finish_reason or stream.intermittent_finish_reason:
        return
    if stream.chunks:
        raise model_error("model_stream_cut", f"{answer.request.model}: the answer broke off")
    answer.begun = False
    raise model_error("model_garbage", f"{answer.request.model}: the answer could not be read")


async def _not_again(*_: object, **__: object) -> None:
    """Stands where litellm asks once more after a connection was lost: what was lost may have been an answer that is charged for."""
    raise  # noqa: PLE0704 - what it is handling


def _load() -> _Library:
    """litellm, silent, offline but for the providers, and without the settings that it would take from a `.env` file."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS"] = "True"
    os.environ["LITELLM_MODE"] = "PRODUCTION"
    library = cast(_Library, importlib.import_module("litellm"))
    library.telemetry = False
    library.suppress_debug_info = True
    library.disable_hf_tokenizer_download = True
    library.disable_aiohttp_transport = True  # httpx closes a connection with its stream
    handler = importlib.import_module("litellm.llms.custom_httpx.http_handler").AsyncHTTPHandler
    handler.single_connection_post_request = _not_again
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    gc.freeze()  # 300,000 objects that stay: else each look for circles among them would hold everything up for 200 ms
    return library
