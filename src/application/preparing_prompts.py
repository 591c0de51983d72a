"""From a published prompt to one that can be rendered: everything it includes is put in, every schema and template compiled."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from application.documents import pointer_to
from application.prompt_documents import NUMBER, prompt_of
from application.rendering_prompts import PreparedPrompt, undefined
from domain.errors import ExpressionError, NotFound, Problem, ValidationError
from domain.ids import TenantId
from domain.ports.prompts import Prompts
from domain.ports.schemas import Schema, Schemas
from domain.ports.templates import Piece, Template, Templates
from domain.prompt import Prompt, PromptVariable

T = TypeVar("T")

_SMALL: Final = 4_000
"""Characters of a prompt that is compiled in place."""
MOST_INCLUDED: Final = 50
"""Other published prompts that one is made of, those inside of others too."""


@dataclass(slots=True)
class PromptShelf:
    """Prepared versions by tenant; the least recently used go when there are more than `most`."""

    prompts: Prompts
    templates: Templates
    schemas: Schemas
    most: int = 256
    _kept: OrderedDict[tuple[TenantId, str, int], PreparedPrompt] = field(default_factory=OrderedDict)

    async def get(self, tenant: TenantId, name: str, number: int) -> PreparedPrompt:
        """`PromptNotFound` when there is no such version."""
        key = (tenant, name, number)
        if key not in self._kept:
            version = await self.prompts.get(tenant, name, number)
            self._kept[key] = await self.prepared(tenant, prompt_of(version.document), version.reference)
            if len(self._kept) > self.most:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    async def prepared(self, tenant: TenantId, prompt: Prompt, reference: str) -> PreparedPrompt:
        """`ValidationError` with everything that is wrong with a prompt, whoever reads it."""
        return await _Preparing(self, tenant, prompt).prepared(reference)


@dataclass(slots=True)
class _Preparing:
    """One prompt. `included`: pieces of others by their references."""

    shelf: PromptShelf
    tenant: TenantId
    prompt: Prompt
    problems: list[Problem] = field(default_factory=list)
    included: dict[str, Piece] = field(default_factory=dict)

    async def prepared(self, reference: str) -> PreparedPrompt:
        schemas = {name: schema for name, one in self.prompt.variables.items() if (schema := self._schema(one)) is not None}
        parts = await self._parts(self.prompt)
        messages = await self._free_of_the_loop(lambda: self._messages(parts))
        if self.problems:
            first = self.problems[0]
            raise ValidationError(f"the prompt is not valid: {first.pointer}: {first.message}", self.problems)
        return PreparedPrompt(reference, self.prompt.variables, schemas, messages)

    async def _free_of_the_loop(self, work: Callable[[], T]) -> T:
        """What takes long gets a thread, so that others are served meanwhile."""
        size = sum(len(one.content) for one in self.prompt.messages) + sum(map(len, self.prompt.partials.values()))
        return work() if size <= _SMALL and not self.included else await asyncio.to_thread(work)

    def _messages(self, parts: Mapping[str, Piece]) -> tuple[tuple[str, Template], ...]:
        found = ((one.role, self._template(_at(self.prompt, at), one.content, parts)) for at, one in enumerate(self.prompt.messages))
        return tuple((role, template) for role, template in found if template is not None)

    def _schema(self, variable: PromptVariable) -> Schema | None:
        at = pointer_to("/variables", variable.name)
        try:
            schema = self.shelf.schemas.compile(variable.schema)
        except ValidationError as error:
            self.problems += [Problem(at + found.pointer, "bad_schema", found.message) for found in error.problems]
            return None
        if variable.has_default and not schema.accepts(variable.default):
            found = schema.problems(variable.default)
            self.problems += [Problem(f"{at}/default{one.pointer}", one.code, one.message) for one in found]
        return schema

    async def _parts(self, prompt: Prompt) -> Mapping[str, Piece]:
        """What the templates of a prompt may include, by the names they use."""
        parts: dict[str, Piece] = {}
        texts = {_at(prompt, number): one.content for number, one in enumerate(prompt.messages)}
        for name, text in prompt.partials.items():
            parts[name] = Piece(text, parts)
            texts[pointer_to("/partials", name)] = text
        for at, text in texts.items():
            try:
                for name in sorted(await self._free_of_the_loop(partial(self.shelf.templates.includes, text))):
                    if "@" in name and name not in parts:
                        parts[name] = await self._piece(name)
            except (ExpressionError, NotFound) as error:
                self.problems.append(Problem(at, error.code, error.message))
        return parts

    async def _piece(self, reference: str) -> Piece:
        """Of another published prompt. What it includes was there before it, so there are no circles."""
        if reference not in self.included:
            if len(self.included) >= MOST_INCLUDED:
                raise ExpressionError(f"it includes more than {MOST_INCLUDED} other prompts")
            name, _, number = reference.partition("@")
            if not re.fullmatch(NUMBER, number):
                raise ExpressionError(f"`{reference}` names no version: write `{name}@1`")
            other = prompt_of((await self.shelf.prompts.get(self.tenant, name, int(number))).document)
            if not other.is_text:
                raise ExpressionError(f"`{reference}` has messages: only a prompt of one `text` can be included")
            parts: dict[str, Piece] = {}
            self.included[reference] = Piece(other.messages[0].content, parts)
            parts.update(await self._parts(other))
        return self.included[reference]

    def _template(self, at: str, text: str, parts: Mapping[str, Piece]) -> Template | None:
        if any(problem.pointer == at for problem in self.problems):
            return None
        try:
            template = self.shelf.templates.put_together(Piece(text, parts), frozenset(self.prompt.variables))
        except ExpressionError as error:
            self.problems.append(Problem(at, error.code, error.message))
            return None
        for path in sorted(template.paths):
            if why := undefined(path, self.prompt.variables[path[0]].schema):
                self.problems.append(Problem(at, "undefined", why))
        return template


def _at(prompt: Prompt, number: int) -> str:
    """Where the text of a message stands."""
    return "/text" if prompt.is_text else f"/messages/{number}/content"
