"""`text_search`: ranks given documents by BM25. Same documents, same query, same answer: it keeps nothing and reads nothing else."""

import math
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from domain.errors import ToolError
from domain.json import Json, JsonObject
from domain.ports.tools import ToolContext
from domain.tool import Tool, ToolMetadata, ToolType
from infrastructure.tools.builtin.passages import snippet, words
from infrastructure.tools.runnable import RunnableTool
from infrastructure.tools.threads import in_a_spare_thread

MAX_DOCUMENTS: Final = 10_000
MAX_CHARACTERS: Final = 2_000_000
SATURATION: Final = 1.2
"""BM25's k1: how soon a word's further occurrences stop counting."""
LENGTH_WEIGHT: Final = 0.75
"""BM25's b: how much a long document is marked down."""
TITLE_COUNTS: Final = 2
_IDENTITY: Final[JsonObject] = {"type": ["string", "integer", "null"]}
_DOCUMENT: Final[JsonObject] = {
    "type": "object",
    "properties": {"id": _IDENTITY, "title": {"type": ["string", "null"]}, "text": {"type": "string"}},
    "required": ["text"],
}
_RESULT: Final[JsonObject] = {
    "type": "object",
    "properties": {
        "index": {"type": "integer", "minimum": 0, "description": "Place in `documents`, from 0."},
        "id": _IDENTITY,
        "title": {"type": ["string", "null"]},
        "score": {"type": "number", "exclusiveMinimum": 0},
        "snippet": {"type": "string"},
    },
    "required": ["index", "id", "title", "score", "snippet"],
    "additionalProperties": False,
}
TOOL: Final = Tool(
    name="text_search",
    tool_type=ToolType.BUILTIN,
    metadata=ToolMetadata("Finds the documents that fit a query best, with the passage that does.", tags=("text", "search")),
    parameters={
        "type": "object",
        "properties": {
            "query": {"type": "string", "minLength": 1, "maxLength": 1_000},
            "documents": {"type": "array", "items": _DOCUMENT, "maxItems": MAX_DOCUMENTS},
            "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 5},
            "snippet_length": {"type": "integer", "minimum": 20, "maximum": 2_000, "default": 200, "description": "In characters."},
        },
        "required": ["query", "documents"],
        "additionalProperties": False,
    },
    returns={
        "type": "object",
        "properties": {
            "results": {"type": "array", "items": _RESULT, "description": "Best first; equals in the order given."},
            "total": {"type": "integer", "minimum": 0, "description": "How many documents have a word of the query."},
        },
        "required": ["results", "total"],
        "additionalProperties": False,
    },
    examples=(
        {
            "arguments": {
                "query": "refund",
                "documents": [{"id": "a", "text": "We ship on Mondays."}, {"id": "b", "text": "A refund takes five days."}],
            },
            "output": {
                "results": [{"index": 1, "id": "b", "title": None, "score": 0.66301, "snippet": "A refund takes five days."}],
                "total": 1,
            },
        },
    ),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A document with its words counted. `length` in words, the title's counted as often as they weigh."""

    index: int
    text: str
    counts: Counter[str]
    length: int


def _entry(index: int, document: Mapping[str, Json]) -> Entry:
    text = unicodedata.normalize("NFC", str(document["text"]))
    title = unicodedata.normalize("NFC", str(document.get("title") or ""))
    counts = Counter(word.folded for word in words(text))
    for word in words(title):
        counts[word.folded] += TITLE_COUNTS
    return Entry(index, text, counts, counts.total())


def search(arguments: Mapping[str, Json], context: ToolContext) -> Json:
    documents = cast(Sequence[Mapping[str, Json]], arguments["documents"])
    if sum(len(str(document["text"])) for document in documents) > MAX_CHARACTERS:
        raise ToolError(f"the documents have more than {MAX_CHARACTERS:,} characters together", "documents_too_big")
    asked = dict.fromkeys(word.folded for word in words(unicodedata.normalize("NFC", str(arguments["query"]))))
    entries = [_entry(index, document) for index, document in enumerate(documents)]
    worth = _worth(asked, entries)
    scores = _scores(entries, worth)
    best = sorted(scores, key=lambda index: (-scores[index], index))[: cast(int, arguments.get("limit", 5))]
    width = cast(int, arguments.get("snippet_length", 200))
    return {
        "results": [_result(documents[index], index, scores[index], snippet(entries[index].text, worth, width)) for index in best],
        "total": len(scores),
    }


def _result(document: Mapping[str, Json], index: int, score: float, passage: str) -> Json:
    return {"index": index, "id": document.get("id"), "title": document.get("title"), "score": score, "snippet": passage}


def _worth(asked: Mapping[str, None], entries: Sequence[Entry]) -> dict[str, float]:
    """What finding a word of the query is worth: the rarer the more."""
    found = {word: sum(word in entry.counts for entry in entries) for word in asked}
    return {word: math.log(1 + (len(entries) - count + 0.5) / (count + 0.5)) for word, count in found.items() if count}


def _scores(entries: Sequence[Entry], worth: Mapping[str, float]) -> dict[int, float]:
    """By index, of the documents that have any word of the query."""
    usual = sum(entry.length for entry in entries) / max(len(entries), 1)
    scores = {}
    for entry in entries:
        damping = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * entry.length / (usual or 1))
        hits = [(worth[word], entry.counts[word]) for word in worth if word in entry.counts]
        if hits:
            scores[entry.index] = round(sum(value * count * (SATURATION + 1) / (count + damping) for value, count in hits), 6)
    return scores


def text_search() -> RunnableTool:
    return RunnableTool(TOOL, in_a_spare_thread(search))
