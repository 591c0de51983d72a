"""Our own way to count tokens: for the scripted model it is the truth, for providers that do not say it is an estimate.

A token is four bytes of UTF-8, rounded up; a message costs four more, an image 1,600, schemas and tools count as their shortest JSON.
The rule needs no tokenizer and never changes, so that the same conversation costs the same everywhere.
"""

from collections.abc import Mapping, Sequence

from domain.json import JsonObject
from domain.model import ModelRequest
from infrastructure.models.texts import images_in, shortest_json, text_of

BYTES_PER_TOKEN = 4
TOKENS_PER_MESSAGE = 4
TOKENS_PER_IMAGE = 1_600
"""About what the large providers count for one that fills a screen; some count more."""

MOST_PER_MESSAGE = 8
MOST_PER_IMAGE = 5_000
MOST_PER_IMAGE_OF = {"gpt-4o-mini": 48_200}
"""It counts 33 times as many as its siblings: 2,833, and 5,667 for each of up to eight tiles."""
MOST_FOR_TOOLS = 600
"""What providers say to their models before the first tool, or in place of a schema."""


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


def tokens_at_most(request: ModelRequest) -> int:
    """Whoever counts: no tokenizer makes more tokens of a text than it has bytes. Words of a language have a quarter of that, digits and
    keys may have half, rare scripts nearly all."""
    extras = [*request.tools, *([request.response_schema] if request.response_schema else ())]
    told = sum(len(shortest_json(extra).encode()) for extra in extras) + (MOST_FOR_TOOLS if extras else 0)
    name = next((name for name in MOST_PER_IMAGE_OF if name in request.model), "")
    return told + sum(_at_most(message, MOST_PER_IMAGE_OF.get(name, MOST_PER_IMAGE)) for message in request.messages)


def _at_most(message: JsonObject, image: int) -> int:
    content, calls = message.get("content"), message.get("tool_calls")
    parts = content if isinstance(content, Sequence) and not isinstance(content, str) else ()
    others = [part for part in parts if not (isinstance(part, Mapping) and ("text" in part or images_in({"content": [part]})))]
    said = len(text_of(message).encode()) + sum(len(shortest_json(part).encode()) for part in [*others, *([calls] if calls else ())])
    return MOST_PER_MESSAGE + said + image * images_in(message)
