"""How an agent's conversation, and what it used, stand in the output."""

from domain.json import Json, JsonObject
from domain.usage import UsageTotal
from infrastructure.models.documents import money_as_json
from infrastructure.models.texts import shortest_json
from infrastructure.nodes.agents.turns import Turn


def asked(turn: Turn) -> JsonObject:
    """As providers know it, whatever the model called its calls."""
    calls: list[Json] = [
        {"id": call.id, "type": "function", "function": {"name": _letters(call.name), "arguments": shortest_json(call.arguments)}}
        for call in turn.calls
    ]
    return {"role": "assistant", "content": turn.text or None, "tool_calls": calls}


def _letters(name: str) -> str:
    """A provider refuses a conversation with any others, also where its own model brought them up."""
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "_-") else "_" for letter in name)[:64] or "_"


def used_as_json(used: UsageTotal) -> Json:
    cost = None if used.unpriced else money_as_json(used.cost)
    tokens: dict[str, Json] = {"prompt_tokens": used.prompt_tokens, "completion_tokens": used.completion_tokens}
    return {**tokens, "total_tokens": used.total_tokens, "calls": used.calls, "cost": cost}
