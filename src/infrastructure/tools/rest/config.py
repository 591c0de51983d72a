"""The config of a REST tool as it is written. Strings marked as such hold `${arguments.x}` and `${secret.NAME}`."""

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from infrastructure.tools.rest.styles import PathStyle, QueryStyle

SECONDS: Final = 30.0
MAX_BYTES: Final = 1024 * 1024
Written: TypeAlias = Any
"""JSON with templates for strings."""
Text: TypeAlias = str
"""A template."""
Header: TypeAlias = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$")]
QueryName: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]
CookieName: TypeAlias = Header
Picked: TypeAlias = Annotated[str, Field(min_length=1, max_length=1_000)]
"""JMESPath."""


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class PathPartStyle(Part):
    style: PathStyle = "simple"
    explode: bool = False


class QueryPart(Part):
    """`explode` is true where it is not said, for the style `form` and `deepObject` only."""

    value: Written
    style: QueryStyle = "form"
    explode: bool | None = None


class BodyPart(Part):
    """Exactly one of them. `base64`: bytes. `content_type`: of `base64` and `text`, and of `json` where it is not `application/json`."""

    json_: Written = Field(default=None, alias="json")
    form: dict[QueryName, Written] | None = None
    multipart: dict[QueryName, Written] | None = None
    base64: Text | None = None
    text: Text | None = None
    content_type: Annotated[str, Field(pattern=r"^[\x20-\x7e]{1,200}$")] | None = None


class FilePart(Part):
    """A file in a multipart body: its bytes in `base64`, or `text`."""

    base64: Text | None = None
    text: Text | None = None
    filename: Text | None = None
    content_type: Annotated[str, Field(pattern=r"^[\x20-\x7e]{1,200}$")] = "application/octet-stream"


class BasicPart(Part):
    username: Text
    password: Text


class HeaderPart(Part):
    name: Header
    value: Text


class QueryKeyPart(Part):
    name: QueryName
    value: Text


class OAuth2Part(Part):
    """A token for these credentials (RFC 6749, 4.4), asked for when it is needed. `credentials`: where the token's server reads them."""

    token_url: Annotated[str, Field(max_length=2_000)]
    client_id: Text
    client_secret: Text
    scope: Annotated[str, Field(max_length=2_000)] = ""
    credentials: Literal["header", "body"] = "header"


class AuthPart(Part):
    """Exactly one of them."""

    bearer: Text | None = None
    basic: BasicPart | None = None
    header: HeaderPart | None = None
    query: QueryKeyPart | None = None
    cookie: HeaderPart | None = None
    oauth2: OAuth2Part | None = None


class RetriesPart(Part):
    """`attempts`: the first one counts. `max_seconds`: of all waiting between them."""

    attempts: Annotated[int, Field(strict=True, ge=1, le=10)] = 3
    max_seconds: Annotated[float, Field(ge=0, le=600)] = 30.0


class LimitPart(Part):
    query: QueryName
    value: Annotated[int, Field(strict=True, ge=1, le=10_000)]


class NextPart(Part):
    """Where the next page is: in the header `Link`; behind a cursor of the page; at the next number; after so many items."""

    link: Literal[True] | None = None
    cursor: Picked | None = None
    query: QueryName | None = None
    page: QueryName | None = None
    first: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = 1
    offset: QueryName | None = None
    limit: LimitPart | None = None


class PaginationPart(Part):
    items: Picked
    next: NextPart
    max_pages: Annotated[int, Field(strict=True, ge=1, le=100)] = 10
    max_items: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 1_000


class RestConfig(Part):
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET"
    url: Annotated[str, Field(min_length=8, max_length=4_000)]
    query: dict[QueryName, Written] = Field(default_factory=dict)
    path: dict[str, PathPartStyle] = Field(default_factory=dict)
    headers: dict[Header, Text] = Field(default_factory=dict)
    cookies: dict[CookieName, Text] = Field(default_factory=dict)
    body: BodyPart | None = None
    auth: Annotated[list[AuthPart], Field(max_length=10)] = Field(default_factory=list)
    timeout_seconds: Annotated[float, Field(gt=0, le=3_600)] = SECONDS
    max_bytes: Annotated[int, Field(strict=True, ge=1, le=64 * 1024 * 1024)] = MAX_BYTES
    retries: RetriesPart = Field(default_factory=RetriesPart)
    idempotency_header: Header | None = None
    pagination: PaginationPart | None = None
    result: Literal["body", "full"] = "body"
