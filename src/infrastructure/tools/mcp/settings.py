"""What an owner says of a server. Only the owner: a command is code that runs here."""

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from domain.errors import ValidationError as BadReference
from domain.ids import DEFAULT_TENANT, TenantId
from domain.tool import Effects
from infrastructure.secrets.references import names_in

SERVER_NAME: Final = re.compile(r"(?=.{1,32}$)[a-z][a-z0-9]*([_-][a-z0-9]+)*")
"""Never `__`, which stands between the name of a server and that of its tool."""
EVERYBODY: Final = "*"
Pattern = Annotated[str, Field(min_length=1, max_length=200)]


def _names_secrets(text: str) -> str:
    try:
        names_in(text)
    except BadReference as error:
        raise ValueError(error.message) from None
    return text


Text = Annotated[str, Field(max_length=8_000, pattern=r"^[^\x00]*$"), AfterValidator(_names_secrets)]


class ServerPart(BaseModel):
    """Either a `command`, with `env` added to a bare environment, or a `url` with `headers`; values may hold `${secret.NAME}`.

    `tools`: patterns of the tools that are offered here. `effects` by pattern, the first that fits. What a server itself claims of effects
    counts only with `trust_annotations`; a tool of which nobody says anything is called at most once. `approve`: "first" takes what a
    server offers when it is seen first, and asks for what comes later; "manual" asks for everything. `tenants`: whose agents and people may
    call them, with the owner's secrets; "*" is everybody.
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
    tenants: Annotated[tuple[Pattern, ...], Field(min_length=1)] = (DEFAULT_TENANT,)

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("a server has a `command` or a `url`, and not both")
        if self.command is None and (self.env or self.cwd):
            raise ValueError("`env` and `cwd` are of a `command`")
        if self.url is None and self.headers:
            raise ValueError("`headers` are of a `url`")
        return self

    def is_for(self, tenant: TenantId) -> bool:
        return not {tenant, EVERYBODY}.isdisjoint(self.tenants)

    @property
    def transport(self) -> str:
        return "http" if self.command is None else "stdio"


def servers_of(rows: Mapping[str, Mapping[str, object]]) -> dict[str, ServerPart]:
    """`ValueError` says which server, which part of it, and what it should be; never what it is, which may be a secret."""
    return {name: _server(name, row) for name, row in rows.items()}


def _server(name: str, row: Mapping[str, object]) -> ServerPart:
    if not SERVER_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a server: small letters and digits, with single - or _ between them, 32 at most")
    try:
        return ServerPart.model_validate(row)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        said = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in found[:5])
        raise ValueError(f"the server {name}: {said}") from None
