"""What of a long conversation a model is given. Messages have the OpenAI shape, `{role, content, ...}`; `pinned` is our own member: such a
message is never left out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, TypeAlias

from domain.json import Json, JsonObject

CountTokens: TypeAlias = Callable[[JsonObject], int]
"""The tokens that a message costs."""
OURS: Final = frozenset({"id", "pinned", "covers"})
"""Members that no provider knows."""
SUMMARY_ID: Final = "summary"
_INSTRUCTS: Final = frozenset({"system", "developer"})


@dataclass(frozen=True, slots=True)
class Fitted:
    """`kept` and `left_out` together are the conversation, each in its order. `tokens`: what `kept` costs."""

    kept: tuple[JsonObject, ...]
    left_out: tuple[JsonObject, ...]
    tokens: int


class DoesNotFit(ValueError):
    """What may not be left out costs more than there is room for. `tokens`: so much."""

    def __init__(self, tokens: int) -> None:
        super().__init__(f"what may not be left out has {tokens} tokens")
        self.tokens = tokens


def fitted(messages: Sequence[JsonObject], most: int, count: CountTokens, keep_last: int = 1) -> Fitted:
    """The newest messages that cost at most `most` tokens together, with all that instruct or are pinned. A call of a tool is kept with its
    results or left out with them. Nothing newer than a message that was left out for want of room is older than one that was kept for its
    age.

    `DoesNotFit` when even the last `keep_last` messages and those that may not be left out cost more.
    """
    exchanges = list(_exchanges(messages))
    costs = [sum(count(messages[at]) for at in exchange) for exchange in exchanges]
    first_kept = max(len(messages) - keep_last, 0)
    must = [any(at >= first_kept or _stays(messages[at]) for at in exchange) for exchange in exchanges]
    used = sum(cost for cost, kept in zip(costs, must, strict=True) if kept)
    if used > most:
        raise DoesNotFit(used)
    kept = list(must)
    for number in sorted(range(len(exchanges)), key=lambda number: exchanges[number][-1], reverse=True):
        if kept[number]:
            continue
        if used + costs[number] > most:
            break
        kept[number] = True
        used += costs[number]
    stays = set(chain.from_iterable(exchange for exchange, is_kept in zip(exchanges, kept, strict=True) if is_kept))
    return Fitted(
        tuple(message for at, message in enumerate(messages) if at in stays),
        tuple(message for at, message in enumerate(messages) if at not in stays),
        used,
    )


def _stays(message: JsonObject) -> bool:
    return message.get("pinned") is True or message.get("role") in _INSTRUCTS


def _exchanges(messages: Sequence[JsonObject]) -> Iterable[Sequence[int]]:
    """Places of messages that only make sense together: calls of tools with their results; everything else is alone."""
    groups: dict[int, list[int]] = {}
    caller: dict[str, int] = {}
    for at, message in enumerate(messages):
        asked = caller.get(str(message.get("tool_call_id"))) if message.get("role") == "tool" else None
        groups.setdefault(at if asked is None else asked, []).append(at)
        for call in _calls(message):
            caller[call] = at
    return groups.values()


def _calls(message: JsonObject) -> Iterable[str]:
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list | tuple) else ():
        if isinstance(call, Mapping) and isinstance(name := call.get("id"), str):
            yield name


@dataclass(frozen=True, slots=True)
class Summarised:
    """A conversation whose beginning a summary stands for. `summary`: the message that holds it, None when there is none yet. `covers`: how
    many of the messages without it it stands for; `rest`: those after them, with what may not be left out of the covered ones."""

    summary: JsonObject | None
    covers: int
    rest: tuple[JsonObject, ...]


def summarised(messages: Sequence[JsonObject]) -> Summarised:
    summary = next((message for message in messages if message.get("id") == SUMMARY_ID), None)
    others = [message for message in messages if message is not summary]
    said = 0 if summary is None else summary.get("covers")
    covers = min(said, len(others)) if isinstance(said, int) else 0
    return Summarised(summary, covers, (*filter(_stays, others[:covers]), *others[covers:]))


def summary_of(text: str, covers: int) -> dict[str, Json]:
    """The message that stands for the first `covers` ones; in a `messages` channel it takes the place of the one before."""
    return {"id": SUMMARY_ID, "role": "system", "content": f"What was said before, in short: {text}", "pinned": True, "covers": covers}


def named(messages: Json, prefix: str) -> Json:
    """The same messages, where those that have no `id` get one: `prefix` and their number."""
    if isinstance(messages, Mapping):
        return _named(messages, f"{prefix}/0")
    if isinstance(messages, list | tuple):
        return [_named(one, f"{prefix}/{at}") if isinstance(one, Mapping) else one for at, one in enumerate(messages)]
    return messages


def _named(message: JsonObject, name: str) -> JsonObject:
    return message if message.get("id") is not None else {**message, "id": name}


def said(message: JsonObject) -> JsonObject:
    """A message as a provider knows it."""
    return message if OURS.isdisjoint(message) else {name: value for name, value in message.items() if name not in OURS}
