"""What a package that brings models of its own registers under the entry-point group `weft.models`."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from domain.model import ModelRequest, ModelResponse, OnText


class ModelAdapter(Protocol):
    """Answers for every model whose name starts with `prefix` and a slash; the entry point has the same name as the prefix."""

    @property
    def prefix(self) -> str: ...

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        """As `domain.ports.models.Models.complete`; `request.model` is the whole `prefix/name`, aliases are already resolved."""


Observe: TypeAlias = Callable[[ModelAdapter, str], ModelAdapter]
"""Gives an adapter that does the same, and tells somebody of its calls; with it the name of the provider."""


def unobserved(adapter: ModelAdapter, provider: str) -> ModelAdapter:
    return adapter
