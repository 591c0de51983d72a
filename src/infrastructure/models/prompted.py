"""What a call used knows the published prompt that was rendered for it."""

from dataclasses import dataclass, replace

from domain.model import ModelRequest, ModelResponse, OnText
from domain.usage import Usage
from infrastructure.models.around import Around


@dataclass
class PromptedModels(Around):
    """Whichever adapter answers, and also when none does."""

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        if not _prompt(request):
            return await self.inner.complete(request, on_text)
        try:
            answer = await self.inner.complete(request, on_text)
        except BaseException as error:
            if isinstance(used := getattr(error, "usage", None), Usage):
                error.__dict__["usage"] = used.rendered_from(_prompt(request))
            raise
        return replace(answer, usage=answer.usage.rendered_from(_prompt(request)))

    def at_most(self, request: ModelRequest) -> Usage:
        return replace(self.inner.at_most(request), prompt=_prompt(request))


def _prompt(request: ModelRequest) -> str:
    return request.caller.prompt if request.caller is not None else ""
