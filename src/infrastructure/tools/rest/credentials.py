"""Who a request says it is from: credentials as they stand in headers, queries and cookies."""

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from infrastructure.tools.rest.config import AuthPart, OAuth2Part
from infrastructure.tools.rest.references import Reading, Steps
from infrastructure.tools.rest.templates import Given, Missing, Template

Place: TypeAlias = Literal["header", "query", "cookie"]


@dataclass(frozen=True, slots=True)
class Credential:
    """`name` of the header, the query's item or the cookie. `second`: the password, where `first` is a name to go with it."""

    place: Place
    name: str
    first: Template
    second: Template | None = None
    before: str = ""

    def text(self, given: Given) -> str:
        first = _text(self.first, given)
        if self.second is None:
            return self.before + first
        return self.before + base64.b64encode(f"{first}:{_text(self.second, given)}".encode()).decode("ascii")

    def templates(self) -> Iterator[Template]:
        yield self.first
        if self.second is not None:
            yield self.second


@dataclass(frozen=True, slots=True)
class OAuth2:
    """The token stands in `Authorization`."""

    token_url: str
    client_id: Template
    client_secret: Template
    scope: str
    in_body: bool

    def secrets(self) -> frozenset[str]:
        return frozenset([*self.client_id.secrets(), *self.client_secret.secrets()])


def _text(template: Template, given: Given) -> str:
    found = template.text(given)
    return "" if isinstance(found, Missing) else found


def read_credentials(reading: Reading, auth: Sequence[AuthPart]) -> tuple[tuple[Credential, ...], OAuth2 | None]:
    found = [one for number, part in enumerate(auth) for one in _read(reading, ("auth", number), part)]
    tokens = [one for one in found if isinstance(one, OAuth2)]
    return tuple(one for one in found if isinstance(one, Credential)), tokens[0] if tokens else None


def _read(reading: Reading, at: Steps, part: AuthPart) -> list[Credential | OAuth2]:
    given = [name for name in AuthPart.model_fields if getattr(part, name) is not None]
    if len(given) != 1:
        reading.wrong(at, "one_of", f"exactly one of {', '.join(AuthPart.model_fields)}")
        return []

    def template(written: str, *steps: str) -> Template:
        return reading.template((*at, *steps), written, arguments=False)

    if part.bearer is not None:
        return [Credential("header", "Authorization", template(part.bearer, "bearer"), before="Bearer ")]
    if part.basic is not None:
        name, word = template(part.basic.username, "basic", "username"), template(part.basic.password, "basic", "password")
        return [Credential("header", "Authorization", name, word, "Basic ")]
    if part.header is not None:
        return [Credential("header", part.header.name, template(part.header.value, "header", "value"))]
    if part.query is not None:
        return [Credential("query", part.query.name, template(part.query.value, "query", "value"))]
    if part.cookie is not None:
        return [Credential("cookie", part.cookie.name, template(part.cookie.value, "cookie", "value"))]
    return [_oauth2(reading, at, part.oauth2, template)] if part.oauth2 is not None else []


def _oauth2(reading: Reading, at: Steps, part: OAuth2Part, template: Callable[..., Template]) -> OAuth2:
    for name, plain in (("token_url", part.token_url), ("scope", part.scope)):
        if "${" in plain:
            reading.wrong((*at, "oauth2", name), "no_reference", "nothing is filled in here: write it out")
    client, secret = template(part.client_id, "oauth2", "client_id"), template(part.client_secret, "oauth2", "client_secret")
    return OAuth2(part.token_url, client, secret, part.scope, part.credentials == "body")
