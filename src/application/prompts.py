"""Prompts as documents: publish one, find it again, try it, compare two versions, say who gets which."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from typing import Final, cast

from application.documents import pointer_to
from application.once import Once, digest_of
from application.paging import PageOrder, shown, slice_of
from application.preparing_prompts import PromptShelf
from application.prompt_documents import PromptDocument, prompt_of
from application.prompt_views import DiffOrder, DiffView, MessageView, PromptView, RenderView, RolloutOrder, RolloutView, as_lines
from application.views import PageView
from domain.access import Principal, Role
from domain.errors import Problem, ValidationError
from domain.ids import ContentHash
from domain.json import Json, JsonObject
from domain.ports.clock import Clock
from domain.ports.prompts import Prompts
from domain.prompt import Prompt, PromptVersion, Rollout

_NEW: Final = "new"
_KNOWN: Final = "known"
_MOST_COMPARED: Final = 4_000 * 4_000
"""Lines of the one with lines of the other: a tenth of a second."""


@dataclass(frozen=True, slots=True)
class PublishedPrompt:
    """`fresh` False: this very content was published before, under this version."""

    view: PromptView
    fresh: bool


@dataclass(frozen=True, slots=True)
class PromptDesk:
    prompts: Prompts
    shelf: PromptShelf
    once: Once
    hash_of: Callable[[JsonObject], ContentHash]
    clock: Clock

    async def publish(self, who: Principal, document: PromptDocument, key: str | None = None) -> PublishedPrompt:
        """A prompt with problems is a `ValidationError` with all of them, and nothing is stored."""
        who.must_be(Role.AUTHOR)
        written = document.as_json
        await self.shelf.prepared(who.tenant, document.as_prompt(), document.prompt)
        version = PromptVersion(who.tenant, document.prompt, 0, self.hash_of(written), written, who.name, self.clock.now())

        async def publish() -> str:
            kept, fresh = await self.prompts.publish(version)
            return f"{_NEW if fresh else _KNOWN} {kept.number}"

        digest = digest_of("prompt", document.model_dump(mode="json", exclude_unset=True))
        told = await publish() if key is None else await self.once.done(who, key, digest, publish)
        word, _, number = told.partition(" ")
        kept = await self.prompts.get(who.tenant, document.prompt, int(number))
        return PublishedPrompt(PromptView.whole(kept), word == _NEW)

    async def check(self, who: Principal, document: PromptDocument) -> None:
        """What `publish` would say of it; nothing is stored."""
        who.must_be(Role.VIEWER)
        await self.shelf.prepared(who.tenant, document.as_prompt(), document.prompt)

    async def list(self, who: Principal, order: PageOrder) -> PageView[PromptView]:
        """The newest version of each name, without documents."""
        who.must_be(Role.VIEWER)
        return shown(await self.prompts.list(who.tenant, order.limit, order.cursor), PromptView.of)

    async def versions(self, who: Principal, name: str, order: PageOrder) -> PageView[PromptView]:
        """All versions of a name, newest first, each with its share."""
        who.must_be(Role.VIEWER)
        versions = await self.prompts.versions(who.tenant, name)
        rollout = await self.prompts.rollout(who.tenant, name)
        return slice_of(versions, order, lambda version: PromptView.shared(version, rollout, versions[0].number))

    async def get(self, who: Principal, name: str, number: int) -> PromptView:
        who.must_be(Role.VIEWER)
        return PromptView.whole(await self.prompts.get(who.tenant, name, number))

    async def render(self, who: Principal, name: str, number: int, variables: JsonObject) -> RenderView:
        """What a model would be told. `UnfitVariables`, or `ExpressionError` for what is undefined."""
        who.must_be(Role.VIEWER)
        prompt = await self.shelf.get(who.tenant, name, number)
        messages = [MessageView(role=str(one["role"]), content=str(one["content"])) for one in prompt(variables)]
        return RenderView(prompt=prompt.reference, messages=messages)

    async def diff(self, who: Principal, name: str, number: int, order: DiffOrder) -> DiffView:
        who.must_be(Role.VIEWER)
        numbers = (number, order.against)
        before, after = [_told(prompt_of((await self.prompts.get(who.tenant, name, one)).document)) for one in numbers]
        titles = (f"{name}@{number}", f"{name}@{order.against}")
        document = _difference(before, after, titles)
        if order.variables is None:
            return DiffView(document=document)
        texts = [await self._rendered(who, name, one, cast("JsonObject", order.variables)) for one in numbers]
        return DiffView(document=document, rendered=_difference(texts[0], texts[1], titles))

    async def roll_out(self, who: Principal, name: str, order: RolloutOrder) -> RolloutView:
        """`ValidationError` for shares that are not 100 together, or of versions that there are not."""
        who.must_be(Role.OPERATOR)
        versions = await self.prompts.versions(who.tenant, name)
        rollout = Rollout(order.shares)
        strange = sorted(order.shares.keys() - {version.number for version in versions})
        if strange:
            known = f"the newest is {name}@{versions[0].number}"
            found = [Problem(pointer_to("/shares", one), "unknown_prompt", f"there is no {name}@{one}; {known}") for one in strange]
            raise ValidationError("a version is not there: see `problems`", found)
        await self.prompts.roll_out(who.tenant, name, rollout)
        return RolloutView(name=name, newest=versions[0].number, shares=dict(rollout.shares))

    async def _rendered(self, who: Principal, name: str, number: int, variables: JsonObject) -> Sequence[str]:
        """Each version takes those of the variables that it declares."""
        prompt = await self.shelf.get(who.tenant, name, number)
        given = {variable: value for variable, value in variables.items() if variable in prompt.variables}
        return as_lines([(str(one["role"]), str(one["content"])) for one in prompt(given)])


def _difference(before: Sequence[str], after: Sequence[str], titles: tuple[str, str]) -> str:
    """Of long ones all that stands between what they begin and end with: to look for what they share in there takes minutes."""
    if len(before) * len(after) <= _MOST_COMPARED:
        return "\n".join(unified_diff(before, after, *titles, lineterm=""))
    begins = _alike(before, after)
    ends = _alike(before[begins:][::-1], after[begins:][::-1])
    gone, come = (lines[begins : len(lines) - ends] for lines in (before, after))
    if not gone and not come:
        return ""
    where = f"@@ -{begins + 1},{len(gone)} +{begins + 1},{len(come)} @@"
    head = (f"--- {titles[0]}", f"+++ {titles[1]}", where)
    return "\n".join([*head, *(f"-{line}" for line in gone), *(f"+{line}" for line in come)])


def _alike(some: Sequence[str], others: Sequence[str]) -> int:
    """So many of their first lines."""
    pairs = enumerate(zip(some, others, strict=False))
    return next((number for number, (one, other) in pairs if one != other), min(len(some), len(others)))


def _told(prompt: Prompt) -> list[str]:
    """A document as lines that can be compared: long texts line by line."""
    about = [("description", prompt.description), ("tags", list(prompt.tags))]
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in about if value]
    for name, variable in sorted(prompt.variables.items()):
        said: dict[str, Json] = {**variable.schema, "description": variable.description, "required": variable.is_required}
        said |= {"default": variable.default} if variable.has_default else {}
        lines.append(f"variable {name}: {json.dumps(said, ensure_ascii=False, sort_keys=True)}")
    for name, text in sorted(prompt.partials.items()):
        lines += [f"[partial {name}]", *text.splitlines()]
    return [*lines, *as_lines([(message.role, message.content) for message in prompt.messages])]
