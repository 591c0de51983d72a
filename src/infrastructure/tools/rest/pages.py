"""A list that comes in pages, as one list."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin

from domain.errors import ToolError
from domain.json import Json
from infrastructure.outgoing.addresses import Refused, place_of
from infrastructure.outgoing.messages import Answer
from infrastructure.tools.builtin.json_query import search
from infrastructure.tools.rest.config import NextPart, PaginationPart
from infrastructure.tools.rest.requests import Beside
from infrastructure.tools.rest.templates import text_of

_LINK: Final = re.compile(r"<([^<>]{1,8000})>((?:\s*;\s*[A-Za-z*-]{1,40}(?:=(?:\"[^\"]{0,1000}\"|[^\s;,\"]{1,1000}))?){1,20})")
_REL: Final = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,]+))", re.IGNORECASE)


@dataclass(slots=True)
class Pages:
    """What has come so far. `origin`: where all of them are.
    `is_complete`: there is no further page, and nothing was left out."""

    config: PaginationPart
    origin: str
    most_bytes: int
    items: list[Json] = field(default_factory=list)
    pages: int = 0
    bytes: int = 0
    cursor: str = ""
    is_complete: bool = False

    def first(self) -> Beside:
        return Beside(page=self._numbered(self.config.next))

    async def take(self, answer: Answer, body: Json) -> Beside | None:
        """Where the next page is; None when this is the last one that is asked for."""
        found = await asyncio.to_thread(search, self.config.items, body)
        if not isinstance(found, list | tuple):
            raise ToolError(f"a page has no list at {self.config.items}", "invalid_answer")
        self.pages += 1
        self.bytes += len(answer.body)
        self.items += found
        further = await self._next(answer, body, is_empty=not found)
        self.is_complete = further is None and len(self.items) <= self.config.max_items
        del self.items[self.config.max_items :]
        is_enough = self.pages >= self.config.max_pages or len(self.items) >= self.config.max_items or self.bytes >= self.most_bytes
        return None if is_enough else further

    def output(self) -> Mapping[str, Json]:
        return {"items": self.items, "pages": self.pages, "is_complete": self.is_complete}

    async def _next(self, answer: Answer, body: Json, *, is_empty: bool) -> Beside | None:
        way = self.config.next
        if way.link:
            return _linked(answer, self.origin)
        if way.cursor is not None and way.query is not None:
            return self._behind(way.query, await asyncio.to_thread(search, way.cursor, body))
        return None if is_empty else Beside(page=self._numbered(way))

    def _numbered(self, way: NextPart) -> dict[str, str]:
        limit = {} if way.limit is None else {way.limit.query: str(way.limit.value)}
        if way.page is not None:
            return {**limit, way.page: str(way.first + self.pages)}
        return limit if way.offset is None else {**limit, way.offset: str(len(self.items))}

    def _behind(self, query: str, cursor: Json) -> Beside | None:
        """A cursor that stays where it is would never end."""
        if cursor is None or cursor in ("", False):
            return None
        if text_of(cursor) == self.cursor:
            raise ToolError("a page says that it comes after itself", "invalid_answer")
        self.cursor = text_of(cursor)
        return Beside(page={**self._numbered(self.config.next), query: self.cursor})


def _linked(answer: Answer, origin: str) -> Beside | None:
    """`Link` with `rel="next"` (RFC 8288): credentials go along, so it stays where they are meant for."""
    for found in _LINK.finditer(answer.headers.get("link", "")[:64_000]):
        if any("next" in (one[1] or one[2] or "").lower().split() for one in _REL.finditer(found[2])):
            url = _joined(answer.url, found[1])
            if url is None or place_of(url).origin != origin:
                raise ToolError("the next page is said to be where the credentials do not belong", "address_refused")
            return Beside(url=url)
    return None


def _joined(base: str, link: str) -> str | None:
    try:
        url = urljoin(base, link)
        place_of(url)
    except (Refused, ValueError):
        return None
    return url
