"""Published prompts, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.ids import TenantId
from domain.ports.repositories import Page
from domain.prompt import PromptVersion, Rollout
from infrastructure.store.memory.book import Book
from infrastructure.store.memory.pages import page
from infrastructure.store.missing import no_prompt, no_prompt_version


@dataclass(frozen=True, slots=True)
class MemoryPrompts:
    book: Book

    async def publish(self, version: PromptVersion) -> tuple[PromptVersion, bool]:
        versions = self.book.prompts.setdefault((version.tenant, version.name), [])
        known = next((one for one in versions if one.hash == version.hash), None)
        if known is not None:
            return known, False
        versions.append(replace(version, number=len(versions) + 1))
        return versions[-1], True

    async def get(self, tenant: TenantId, name: str, number: int | None = None) -> PromptVersion:
        versions = self._of(tenant, name)
        if number is None:
            return versions[-1]
        if not 1 <= number <= len(versions):
            raise no_prompt_version(name, number, [one.number for one in reversed(versions)])
        return versions[number - 1]

    async def list(self, tenant: TenantId, limit: int, cursor: str | None) -> Page[PromptVersion]:
        newest = (versions[-1] for (owner, _), versions in self.book.prompts.items() if owner == tenant)
        return page(newest, lambda version: (version.name, ""), limit, cursor)

    async def versions(self, tenant: TenantId, name: str) -> Sequence[PromptVersion]:
        return list(reversed(self._of(tenant, name)))

    async def rollout(self, tenant: TenantId, name: str) -> Rollout:
        return self.book.rollouts.get((tenant, name), Rollout())

    async def roll_out(self, tenant: TenantId, name: str, rollout: Rollout) -> None:
        self.book.rollouts[tenant, name] = rollout

    def _of(self, tenant: TenantId, name: str) -> Sequence[PromptVersion]:
        versions = self.book.prompts.get((tenant, name))
        if not versions:
            raise no_prompt(name, sorted(name for owner, name in self.book.prompts if owner == tenant))
        return versions
