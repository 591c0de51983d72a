"""What a package that brings models of its own registers under the entry-point group `weft.models`."""

from typing import Protocol

from domain.model import ModelRequest, ModelResponse, OnText


class ModelAdapter(Protocol):
    """Answers for every model whose name starts with `prefix` and a slash; the entry point has the same name as the prefix."""

    @property
    def prefix(self) -> str: ...

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        """As `domain.ports.models.Models.complete`; `request.model` is the whole `prefix/name`, aliases are already resolved."""
