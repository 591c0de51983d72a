"""Published prompts, and one of them ready to be rendered."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from domain.ids import TenantId
from domain.json import Json, JsonObject
from domain.ports.repositories import Page
from domain.prompt import PromptVersion, Rollout


class Prompts(Protocol):
    """Another tenant's prompt does not exist."""

    async def publish(self, version: PromptVersion) -> tuple[PromptVersion, bool]:
        """Keep a version under the next number of its name, whatever number it has. True: it is new; False: this very content was published
        before, and is returned. Of two at once each gets its own number; of one content one is kept."""

    async def get(self, tenant: TenantId, name: str, number: int | None = None) -> PromptVersion:
        """That version, or the newest. `PromptNotFound` names up to ten known ones."""

    async def list(self, tenant: TenantId, limit: int, cursor: str | None) -> Page[PromptVersion]:
        """The newest version of each name, by name."""

    async def versions(self, tenant: TenantId, name: str) -> Sequence[PromptVersion]:
        """All versions of a name, newest first; `PromptNotFound` when there are none."""

    async def rollout(self, tenant: TenantId, name: str) -> Rollout:
        """One without shares where none was said."""

    async def roll_out(self, tenant: TenantId, name: str, rollout: Rollout) -> None:
        """Replace it. Whoever chose before keeps what was chosen."""


class ReadyPrompt(Protocol):
    @property
    def reference(self) -> str:
        """`name@3`."""

    def __call__(self, values: Mapping[str, Json]) -> tuple[JsonObject, ...]:
        """Messages, each with `role` and `content`. `UnfitVariables` points at values that are missing, unknown or of another type;
        `ExpressionError` for what a template finds undefined."""
