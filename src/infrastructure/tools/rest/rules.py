"""What must hold between the parts of a config."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from jmespath.exceptions import JMESPathError

from domain.tool import Effects, Tool
from infrastructure.outgoing.addresses import Addresses
from infrastructure.outgoing.messages import OURS
from infrastructure.tools.builtin.json_query import parsed
from infrastructure.tools.rest.config import PaginationPart, RestConfig
from infrastructure.tools.rest.references import Reading, Steps

_WAYS: Final = ("link", "cursor", "page", "offset")


def check_rules(reading: Reading, read: RestConfig, tool: Tool, addresses: Addresses) -> None:
    _check_addresses(reading, read, addresses)
    _check_headers(reading, read)
    _check_twice(reading, [*_below("query", read.query), *_of_auth(read, "query")])
    _check_twice(reading, [*_below("cookies", read.cookies), *_of_auth(read, "cookie")])
    if read.pagination is not None:
        _check_pages(reading, read.pagination, read, tool)


def _check_addresses(reading: Reading, read: RestConfig, addresses: Addresses) -> None:
    asked: list[tuple[Steps, str]] = [(("url",), read.url.replace("{", "").replace("}", ""))]
    asked += [(("auth", number, "oauth2", "token_url"), one.oauth2.token_url) for number, one in enumerate(read.auth) if one.oauth2]
    known = {problem.pointer for problem in reading.problems}
    for at, url in asked:
        objection = addresses.objection(url)
        if objection is not None and "/" + "/".join(map(str, at)) not in known:
            reading.wrong(at, "address_refused", objection)


def _check_headers(reading: Reading, read: RestConfig) -> None:
    named = [*_below("headers", read.headers), *_of_auth(read, "header")]
    named += [(("auth", number), "Authorization") for number, one in enumerate(read.auth) if one.bearer or one.basic or one.oauth2]
    if read.idempotency_header is not None:
        named.append((("idempotency_header",), read.idempotency_header))
    if read.cookies or any(one.cookie for one in read.auth):
        named.append((("cookies",), "Cookie"))
    _check_twice(reading, [(at, name.lower()) for at, name in named])
    for at, name in named:
        if name.lower() in OURS:
            reading.wrong(at, "not_yours", f"{name} says how a request is carried: Weft writes it")


def _below(part: str, names: Iterable[str]) -> list[tuple[Steps, str]]:
    return [((part, name), name) for name in names]


def _of_auth(read: RestConfig, way: str) -> list[tuple[Steps, str]]:
    found = [(number, getattr(one, way)) for number, one in enumerate(read.auth)]
    return [(("auth", number, way, "name"), part.name) for number, part in found if part is not None]


def _check_twice(reading: Reading, named: Sequence[tuple[Steps, str]]) -> None:
    times = Counter(name for _, name in named)
    for at, name in named:
        if times[name] > 1:
            reading.wrong(at, "twice", f"{name} is given {times[name]} times")


def _check_pages(reading: Reading, pages: PaginationPart, read: RestConfig, tool: Tool) -> None:
    at = ("pagination",)
    if tool.effects is not Effects.NONE:
        reading.wrong(at, "only_reads", "only a tool whose effects are `none` asks for page after page")
    if read.result == "full":
        reading.wrong(("result",), "one_answer", "`full` shows one answer, and pages are several")
    ways = [name for name in _WAYS if getattr(pages.next, name) is not None]
    if len(ways) != 1:
        reading.wrong((*at, "next"), "one_of", f"exactly one of {', '.join(_WAYS)}")
    if (pages.next.cursor is None) != (pages.next.query is None):
        reading.wrong((*at, "next"), "incomplete", "`cursor` and `query` go together: where the cursor is, and where it is sent")
    for steps, written in ((("items",), pages.items), (("next", "cursor"), pages.next.cursor)):
        try:
            parsed(written or "@")
        except (JMESPathError, ValueError, RecursionError) as error:
            reading.wrong((*at, *steps), "invalid_query", f"this is no JMESPath: {error}"[:300])
