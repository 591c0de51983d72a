"""What an owner says of a server. Only the owner: a command is code that runs here."""

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.tool import Effects

SERVER_NAME: Final = r"^[a-z][a-z0-9]*([_-][a-z0-9]+)*$"
"""Never `__`, which stands between the name of a server and that of its tool."""
Pattern = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=8_000, pattern=r"^[^\x00]*$")]


class ServerPart(BaseModel):
    """Either a `command`, with `env` added to a bare environment, or a `url` with `headers`; values may hold `${secret.NAME}`.

    `tools`: patterns of the tools that are offered here. `effects` by pattern, the first that fits. What a server itself claims of effects
    counts only with `trust_annotations`; a tool of which nobody says anything is called at most once. `approve`: "first" takes what a
    server offers when it is seen first, and asks for what comes later; "manual" asks for everything.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: Annotated[tuple[Text, ...], Field(min_length=1, max_length=200)] | None = None
    env: dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], Text] = Field(default_factory=dict)
    cwd: Text | None = None
    url: Annotated[str, Field(pattern=r"^https?://[^\s@]+$", max_length=2_000)] | None = None
    headers: dict[Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")], Text] = Field(default_factory=dict)
    tools: tuple[Pattern, ...] = ("*",)
    effects: dict[Pattern, Effects] = Field(default_factory=dict)
    trust_annotations: bool = False
    seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    start_seconds: Annotated[float, Field(gt=0, le=300)] = 30.0
    approve: Literal["first", "manual"] = "first"

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("a server has a `command` or a `url`, and not both")
        if self.command is None and (self.env or self.cwd):
            raise ValueError("`env` and `cwd` are of a `command`")
        if self.url is None and self.headers:
            raise ValueError("`headers` are of a `url`")
        return self

    @property
    def transport(self) -> str:
        return "http" if self.command is None else "stdio"
