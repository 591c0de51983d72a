"""How the offline model uses tools: it looks things up, hands over to each of the others once, and answers from what came back.

A plain rule, the same every time: a tool that wants nothing but one text is asked each question of the task; whoever was handed the
conversation gives it back with what it has; then comes the answer.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from domain.json import Json, JsonObject
from domain.model import ModelRequest
from infrastructure.models.offline import assistant
from infrastructure.models.question import MARK, Question
from infrastructure.models.texts import calls_in, instructions_in, text_of

HANDOFF: Final = "handoff_to_"
PLAN: Final = "update_plan"
MOST_QUESTIONS: Final = 4
_HANDED: Final = re.compile(r"\AYou are (\S+) now; (\S+) handed over to you")
_ASKS: Final = re.compile(r"^\s*(?:[-*]|\d+[.)])\s+(.+)$|([^.!?\n]+\?)", re.MULTILINE)
Call = tuple[str, JsonObject]


@dataclass(frozen=True, slots=True)
class Played:
    text: str
    calls: tuple[Call, ...] = ()


def play(request: ModelRequest) -> Played:
    return _Player(request).played()


@dataclass
class _Player:
    request: ModelRequest

    def played(self) -> Played:
        if looking := self._lookups():
            return Played("", (*self._plan(0), *looking))
        handed = {name for message in self.request.messages for name, _ in calls_in(message).values()}
        waiting = [name for name in self._tools if name.startswith(HANDOFF) and name not in handed]
        if self._giver is not None:
            back = f"{HANDOFF}{self._giver}"
            return Played(self._contribution(), ((back, {}),) if back in self._tools else ())
        if waiting:
            return Played("", (*self._plan(0), (waiting[0], {"message": self._subject})))
        if done := self._plan(len(self._steps)):
            return Played("", done)
        return Played(self._answer())

    @cached_property
    def _tools(self) -> Mapping[str, JsonObject]:
        """By name, what each takes."""
        functions = [tool["function"] for tool in self.request.tools if isinstance(tool.get("function"), Mapping)]
        found = {str(one["name"]): one.get("parameters") for one in functions if isinstance(one, Mapping)}
        return {name: taken for name, taken in found.items() if isinstance(taken, Mapping)}

    @cached_property
    def _task(self) -> str:
        return next((text_of(one) for one in self.request.messages if one.get("role") == "user"), "")

    @property
    def _subject(self) -> str:
        return next(iter(self._task.strip().splitlines()), "")

    @cached_property
    def _taken_over(self) -> tuple[int, str | None]:
        """Where in the conversation this agent's turn began, and who handed over to it; None: it began itself, or has it back."""
        began = ""
        for at in range(len(self.request.messages) - 1, -1, -1):
            if handed := _HANDED.match(text_of(self.request.messages[at])):
                began = handed[1]
                return at, None if self._has_handed_over(began, at) else handed[2]
        return 0, None

    def _has_handed_over(self, name: str, before: int) -> bool:
        """Did it have the conversation before? Then it has it back."""
        handed = [_HANDED.match(text_of(message)) for message in self.request.messages[:before]]
        return any(one is not None and one[2] == name for one in handed)

    @property
    def _giver(self) -> str | None:
        return self._taken_over[1]

    @property
    def _mine(self) -> Sequence[JsonObject]:
        """Since it was handed the conversation; all of it where nobody did."""
        return self.request.messages[self._taken_over[0] :] if self._giver is not None else self.request.messages

    def _lookups(self) -> tuple[Call, ...]:
        asked = {name for message in self._mine for name, _ in calls_in(message).values()}
        found = [(name, word) for name, taken in self._tools.items() if name not in asked and (word := _only_text(taken))]
        return tuple((name, {word: question}) for name, word in found for question in _questions(self._task))

    @cached_property
    def _steps(self) -> Sequence[str]:
        looking = [f"use {name}" for name, taken in self._tools.items() if _only_text(taken)]
        handing = [f"ask {name.removeprefix(HANDOFF)}" for name in self._tools if name.startswith(HANDOFF)]
        return [*looking, *handing, "answer"]

    def _plan(self, done: int) -> tuple[Call, ...]:
        """The plan with so many steps done, where there is one to keep and nobody has told it like that."""
        steps: list[Json] = [{"text": text, "status": "done" if at < done else "pending"} for at, text in enumerate(self._steps)]
        told = [json.loads(given).get("steps") for one in self.request.messages for name, given in calls_in(one).values() if name == PLAN]
        is_due = not told if done == 0 else bool(told) and told[-1] != steps
        return ((PLAN, {"steps": steps}),) if is_due and PLAN in self._tools and self._giver is None else ()

    def _contribution(self) -> str:
        if notes := _notes(self._mine):
            return f"{MARK} {notes}"
        said = [line for one in self.request.messages if one.get("role") == "assistant" for line in text_of(one).splitlines()]
        facts = [line.removeprefix("- ") for line in said if line.startswith("- ")] or said
        told = f"Topic: {self._subject}\n\nNotes:\n" + "\n\n".join(dict.fromkeys(facts))
        return assistant(Question(told, instructions_in(self.request.messages)))

    def _answer(self) -> str:
        notes, worked = _notes(self.request.messages), _contributions(self.request.messages)
        if worked:
            return f"{MARK} " + "\n\n".join(f"{name}: {text.replace(MARK, '').strip()}" for name, text in worked)
        return f"{MARK} {notes}" if notes else assistant(Question(self._task, instructions_in(self.request.messages)))


def _only_text(taken: JsonObject) -> str:
    """The one argument that a tool wants, when it wants one and that is a text; else ""."""
    wanted, properties = taken.get("required"), taken.get("properties")
    if not isinstance(wanted, list | tuple) or len(wanted) != 1 or not isinstance(properties, Mapping):
        return ""
    schema = properties.get(str(wanted[0]))
    return str(wanted[0]) if isinstance(schema, Mapping) and schema.get("type") == "string" else ""


def _questions(task: str) -> Sequence[str]:
    found = [(listed or asked).strip() for listed, asked in _ASKS.findall(task)]
    questions = list(dict.fromkeys(question[:200] for question in found if question))[:MOST_QUESTIONS]
    return questions or ([task.strip()[:200]] if task.strip() else [])


def _notes(messages: Sequence[JsonObject]) -> str:
    """What tools found, under what was asked."""
    asked = {id: given for message in messages for id, (name, given) in calls_in(message).items() if name != PLAN}
    parts = []
    for message in messages:
        given = asked.get(str(message.get("tool_call_id")))
        if given is not None and (lines := _lines(text_of(message))):
            parts.append("\n".join([" ".join(map(str, json.loads(given).values())), *lines]))
    return "\n\n".join(parts)


def _lines(told: str) -> Sequence[str]:
    """Of a search the best passages; of anything else nothing that could be told in prose."""
    try:
        value = json.loads(told)
    except ValueError:
        return [] if _HANDED.match(told) or told.startswith(("failed (", "not called")) else [told]
    results = value.get("results") if isinstance(value, dict) else None
    found = [one for one in results or () if isinstance(one, dict) and "snippet" in one][:2]
    return [f"- {' '.join(str(one['snippet']).split())} ({one.get('title') or one.get('id')})" for one in found]


def _contributions(messages: Sequence[JsonObject]) -> Sequence[tuple[str, str]]:
    """What each said when it gave the conversation back, by name."""
    found, speaker = [], ""
    for message in messages:
        if handed := _HANDED.match(text_of(message)):
            speaker = handed[1]
        elif message.get("role") == "assistant" and speaker and text_of(message) and calls_in(message):
            found.append((speaker, text_of(message)))
    return found
