"""A model writes a workflow; what is wrong with it is told to the model, a bounded number of times. Nothing is published or run."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, cast

from pydantic import JsonValue

from application.draft_calls import AskModel
from application.draft_guide import guide
from application.draft_views import DraftOrder, DraftView
from application.run_views import CostView, UsageView
from application.workflow_views import problem_views
from application.workflows import CheckDocument
from domain.access import Principal, Role
from domain.caller import Caller
from domain.errors import BudgetExceeded, ModelError, ModelNotFound, PriceUnknown, Problem, ValidationError
from domain.ids import ActivationPath, NewId, RunId, TenantId
from domain.json import Json, JsonObject
from domain.model import FinishReason, ModelRequest, ModelResponse
from domain.ports.clock import Clock
from domain.ports.models import Models
from domain.ports.nodes import NodeKinds
from domain.ports.tools import ToolCatalog
from domain.usage import Usage, UsageTotal

ReadText: TypeAlias = Callable[[str], Json]
"""JSON or YAML as a document; `ValidationError` for what is neither."""

LONGEST_ANSWER: Final = 8_000
"""Tokens."""
TOLD: Final = 30
"""Problems that a model is told at once."""
LONGEST_PROBLEM: Final = 500
ADVICE: Final = (
    "the offline models that ship (scripted/...) write no workflows; set a provider's key where Weft is served, as OPENAI_API_KEY, start "
    "it again, and name one of its models, as `--model openai/gpt-4o` (in REST `model`)"
)
_FENCE: Final = re.compile(r"^[ \t]*```[^\n]*\n(.*?)^[ \t]*```", re.MULTILINE | re.DOTALL)
_OUTSIDE: Final = RunId("")
"""A draft belongs to no run."""


@dataclass(slots=True)
class _Draft:
    """What was written last, and what is wrong with it."""

    answer: str = ""
    document: Json = None
    problems: Sequence[Problem] = ()
    warnings: Sequence[Problem] = ()
    attempts: int = 0
    stopped: str | None = None
    total: UsageTotal = field(default_factory=UsageTotal)

    @property
    def is_valid(self) -> bool:
        return self.attempts > 0 and not self.problems

    def use(self, usage: Usage) -> None:
        self.total = self.total.plus(usage)

    def view(self) -> DraftView:
        document = cast("dict[str, JsonValue]", self.document) if isinstance(self.document, dict) else None
        return DraftView(
            valid=self.is_valid,
            document=document,
            answer=self.answer if document is None else None,
            problems=problem_views(self.problems),
            warnings=problem_views(self.warnings),
            attempts=self.attempts,
            stopped=self.stopped,
            usage=UsageView.of(self.total),
            cost=CostView.of_total(self.total),
        )


@dataclass(frozen=True, slots=True)
class DraftWorkflow:
    models: Models
    check: CheckDocument
    kinds: NodeKinds
    catalog: ToolCatalog
    ask: AskModel
    new_id: NewId
    clock: Clock

    async def __call__(self, who: Principal, order: DraftOrder, read: ReadText) -> DraftView:
        """`ModelNotFound`, or what refused or failed the first call; after that a draft, with whatever is still wrong."""
        who.must_be(Role.AUTHOR)
        tools = await self.catalog.list(who.tenant)
        told: JsonObject = {"role": "system", "content": guide(self.kinds.all(), tools, self.models.cards())}
        wish: JsonObject = {"role": "user", "content": order.description}
        draft, until = _Draft(), self.clock.monotonic() + order.seconds
        activation = ActivationPath(f"/draft#{self.new_id()}")
        while draft.attempts <= order.repairs and not draft.is_valid and draft.stopped is None:
            left = until - self.clock.monotonic()
            if left <= 0:
                draft.stopped = f"it took longer than {order.seconds:g} seconds"
                break
            caller = Caller(who.tenant, _OUTSIDE, activation, attempt=draft.attempts + 1)
            messages = (told, wish, *_repair(draft))
            request = ModelRequest(order.model, messages, max_tokens=LONGEST_ANSWER, timeout_seconds=left, caller=caller)
            await self._attempt(request, caller, draft, read)
        if not isinstance(draft.document, dict) and draft.stopped is None and self._is_offline(order.model):
            draft.stopped = f"`{order.model}` stands for an offline model: {ADVICE}"
        return draft.view()

    async def _attempt(self, request: ModelRequest, caller: Caller, draft: _Draft, read: ReadText) -> None:
        try:
            response = await self.ask(request, caller, draft.use)
        except ModelNotFound as error:
            raise ModelNotFound(f"{error.message}; {ADVICE}") from error
        except (ModelError, BudgetExceeded, PriceUnknown) as error:
            if not draft.attempts:
                raise
            draft.stopped = f"{error.code}: {error.message}"
        else:
            await self._look_at(caller.tenant, response, draft, read)

    def _is_offline(self, model: str) -> bool:
        return any(card.scripted for card in self.models.cards() if card.name == model)

    async def _look_at(self, tenant: TenantId, response: ModelResponse, draft: _Draft, read: ReadText) -> None:
        draft.answer, draft.attempts = response.text, draft.attempts + 1
        draft.document, draft.warnings = None, ()
        try:
            draft.document = read(without_fences(response.text))
        except ValidationError as error:
            draft.problems = _cut_off(response) or error.problems
            return
        found = await self.check(tenant, draft.document)
        draft.problems, draft.warnings = found.problems, found.warnings


def without_fences(text: str) -> str:
    """The longest block between code fences, or all of it; a fence that is never closed is left off too."""
    blocks: list[str] = _FENCE.findall(text)
    if blocks:
        return max(blocks, key=len)
    lines = text.strip().splitlines()
    return "\n".join(lines[1:]) if lines and lines[0].lstrip().startswith("```") else text


def _cut_off(response: ModelResponse) -> Sequence[Problem]:
    if response.finish_reason is not FinishReason.LENGTH:
        return ()
    return (Problem("", "cut_off", f"the answer was cut off after {response.usage.completion_tokens} tokens: write a shorter document"),)


def _repair(draft: _Draft) -> Sequence[JsonObject]:
    """What was written last, and what is wrong with it; earlier attempts are not repeated."""
    if not draft.attempts:
        return ()
    lines = [f"- {problem.pointer or 'at the top'}: {problem.message[:LONGEST_PROBLEM]} ({problem.code})" for problem in draft.problems]
    more = f"\n- and {len(lines) - TOLD} more" if len(lines) > TOLD else ""
    wish = "This document is not valid. Mend all of these problems, and answer with the whole document and nothing else:\n"
    return (
        {"role": "assistant", "content": draft.answer},
        {"role": "user", "content": wish + "\n".join(lines[:TOLD]) + more},
    )
