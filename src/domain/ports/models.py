"""Language models."""

from collections.abc import Sequence
from typing import Protocol

from domain.model import ModelCard, ModelRequest, ModelResponse, OnText
from domain.usage import Usage


class Models(Protocol):
    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        """One call. With `on_text` the answer streams. Raises `ModelNotFound` (naming the known aliases) or a `ModelError`; when a
        failed or cancelled call used tokens, the error's `usage` attribute says how many. Cancelling closes the provider's stream."""

    def at_most(self, request: ModelRequest) -> Usage:
        """What this call uses at most: its prompt by our own count, the longest answer, today's price (None: unknown). Asks nobody. Raises
        `ModelNotFound` as `complete`."""

    def known(self, name: str) -> bool:
        """Is this an alias or a model that an adapter would take?"""

    def cards(self) -> Sequence[ModelCard]:
        """Aliases first, then what else is configured."""

    async def survey(self) -> Sequence[ModelCard]:
        """The same, with how their providers are."""
