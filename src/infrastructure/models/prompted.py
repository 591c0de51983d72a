"""What a call used knows the published prompt that was rendered for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.model import ModelCard, ModelRequest, ModelResponse, OnText
from domain.ports.models import Models
from domain.usage import Usage


@dataclass(frozen=True, slots=True)
class PromptedModels:
    """`Models` for nodes: whichever adapter answers, and also when none does."""

    models: Models

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        if not _prompt(request):
            return await self.models.complete(request, on_text)
        try:
            answer = await self.models.complete(request, on_text)
        except BaseException as error:
            if isinstance(used := getattr(error, "usage", None), Usage):
                error.__dict__["usage"] = used.rendered_from(_prompt(request))
            raise
        return replace(answer, usage=answer.usage.rendered_from(_prompt(request)))

    def at_most(self, request: ModelRequest) -> Usage:
        return replace(self.models.at_most(request), prompt=_prompt(request))

    def known(self, name: str) -> bool:
        return self.models.known(name)

    def cards(self) -> Sequence[ModelCard]:
        return self.models.cards()

    async def survey(self) -> Sequence[ModelCard]:
        return await self.models.survey()


def _prompt(request: ModelRequest) -> str:
    return request.caller.prompt if request.caller is not None else ""
