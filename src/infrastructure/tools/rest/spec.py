"""A REST tool as it is called: its config, read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from domain.tool import Effects, Tool
from infrastructure.tools.rest.bodies import Body
from infrastructure.tools.rest.config import RestConfig
from infrastructure.tools.rest.credentials import Credential, OAuth2, Place
from infrastructure.tools.rest.items import QueryItem
from infrastructure.tools.rest.templates import Template, templates_in
from infrastructure.tools.rest.urls import UrlTemplate

_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""RFC 9110, 9.2.2."""


@dataclass(frozen=True, slots=True)
class Spec:
    tool: Tool
    config: RestConfig
    url: UrlTemplate
    query: tuple[QueryItem, ...]
    headers: Mapping[str, Template]
    cookies: Mapping[str, Template]
    body: Body | None
    credentials: tuple[Credential, ...]
    oauth2: OAuth2 | None

    @property
    def where(self) -> str:
        """For messages: as it is written, without what may be a key."""
        return f"{self.config.method} {self.config.url.partition('?')[0]}"

    @property
    def only_reads(self) -> bool:
        return self.tool.effects is Effects.NONE

    @property
    def may_repeat(self) -> bool:
        """May the same request be sent again within one call?"""
        is_same = self.config.idempotency_header is not None or self.config.method in _IDEMPOTENT
        return self.only_reads or (self.tool.effects is Effects.IDEMPOTENT and is_same)

    def credentials_in(self, place: Place) -> Iterator[Credential]:
        return (one for one in self.credentials if one.place == place)

    def secrets(self) -> frozenset[str]:
        """Names of those that go to the tool's own host."""
        return frozenset(name for template in self._templates() for name in template.secrets())

    def _templates(self) -> Iterator[Template]:
        for item in self.query:
            yield from templates_in(item.tree)
        yield from self.headers.values()
        yield from self.cookies.values()
        for one in self.credentials:
            yield from one.templates()
        if self.body is not None:
            yield from self.body.templates()
