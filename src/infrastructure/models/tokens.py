"""Our own way to count tokens: for the scripted model it is the truth, for providers that do not say it is an estimate.

A token is four bytes of UTF-8, rounded up; a message costs four more, an image 1,600, schemas and tools count as their shortest JSON.
The rule needs no tokenizer and never changes, so that the same conversation costs the same everywhere.
"""

from domain.json import JsonObject
from domain.model import ModelRequest
from infrastructure.models.texts import images_in, shortest_json, text_of

BYTES_PER_TOKEN = 4
TOKENS_PER_MESSAGE = 4
TOKENS_PER_IMAGE = 1_600
"""About what the large providers count for one that fills a screen; some count more."""


def tokens_in(text: str) -> int:
    return -(-len(text.encode()) // BYTES_PER_TOKEN)


def tokens_asked(request: ModelRequest) -> int:
    """Everything a model reads: messages, tools and the schema of the answer."""
    extras = [*request.tools, request.response_schema] if request.response_schema else [*request.tools]
    return sum(map(tokens_in_message, request.messages)) + sum(tokens_in(shortest_json(extra)) for extra in extras)


def tokens_in_message(message: JsonObject) -> int:
    calls = message.get("tool_calls")
    seen = TOKENS_PER_IMAGE * images_in(message)
    return TOKENS_PER_MESSAGE + tokens_in(text_of(message)) + seen + (tokens_in(shortest_json(calls)) if calls else 0)
