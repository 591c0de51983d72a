"""What is said of prompts, and what readers get."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from application.prompt_documents import prompt_of
from application.views import View
from application.workflow_views import as_document
from domain.prompt import PromptVersion, Rollout


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class RenderOrder(_Order):
    """A value for each variable that has no default."""

    variables: dict[str, JsonValue] = Field(default_factory=dict)


class DiffOrder(_Order):
    """`against`: the other version. `variables`: also show what changes in the text that is rendered with them."""

    against: Annotated[int, Field(ge=1, le=2**31)]
    variables: dict[str, JsonValue] | None = None


class RolloutOrder(_Order):
    """Version -> percent, 100 together. None at all: whoever names no version gets the newest."""

    shares: Annotated[dict[Annotated[int, Field(ge=1, le=2**31)], Annotated[int, Field(strict=True)]], Field(max_length=100)]


class PromptView(View):
    """One version; `document` where one was asked for. `share`: how many percent of those that name no version get this one; null where
    that was not asked."""

    name: str
    version: int
    hash: str
    description: str
    tags: list[str]
    variables: list[str]
    created_at: datetime
    by: str
    share: int | None = None
    document: dict[str, JsonValue] | None = None

    @classmethod
    def of(cls, version: PromptVersion) -> "PromptView":
        prompt = prompt_of(version.document)
        return cls(
            name=version.name,
            version=version.number,
            hash=version.hash,
            description=prompt.description,
            tags=list(prompt.tags),
            variables=list(prompt.variables),
            created_at=version.created_at,
            by=version.by,
        )

    @classmethod
    def whole(cls, version: PromptVersion) -> "PromptView":
        return cls.of(version).model_copy(update={"document": as_document(version.document)})

    @classmethod
    def shared(cls, version: PromptVersion, rollout: Rollout, newest: int) -> "PromptView":
        shares = rollout.shares or {newest: 100}
        return cls.of(version).model_copy(update={"share": shares.get(version.number, 0)})


class MessageView(View):
    role: str
    content: str


class RenderView(View):
    """`prompt`: `name@3`."""

    prompt: str
    messages: list[MessageView]


class DiffView(View):
    """Unified diffs, from the version of the route to the other one; empty where nothing differs. `rendered`: null without variables."""

    document: str
    rendered: str | None = None


class RolloutView(View):
    """`newest`: what those get that name no version, where no shares are said."""

    name: str
    newest: int
    shares: dict[int, int]


def as_lines(messages: Sequence[tuple[str, str]]) -> list[str]:
    """A conversation as one reads it."""
    return [line for role, content in messages for line in (f"[{role}]", *content.splitlines())]
