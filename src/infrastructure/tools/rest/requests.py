"""A call becomes a request: everything an argument says stays where it belongs."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from domain.errors import ToolError
from domain.ports.tools import ToolContext
from infrastructure.outgoing.addresses import Refused, place_of
from infrastructure.outgoing.messages import Ask, checked_headers
from infrastructure.tools.rest.bodies import Content
from infrastructure.tools.rest.spec import Spec
from infrastructure.tools.rest.styles import encoded, header_text
from infrastructure.tools.rest.templates import Given, Missing, Template

_ACCEPT: Final = "application/json, text/*;q=0.9, */*;q=0.5"
_COOKIE: Final = "!#$%&'()*+-./:<=>?@[]^_`{|}~"
"""What stands in a cookie as it is, beside letters and digits (RFC 6265)."""
_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class Beside:
    """What a request has beside what its arguments say: the token it was given, and where in a list it asks for the next page. `url`: of
    that page as its server has given it, in place of the tool's own."""

    token: str = field(default="", repr=False)
    page: Mapping[str, str] = field(default_factory=dict)
    url: str = ""


NOTHING: Final = Beside()


def request(spec: Spec, given: Given, context: ToolContext, beside: Beside = NOTHING) -> Ask:
    """`ToolError` for arguments that would make another request than the one the config describes."""
    content = None if spec.body is None else spec.body.content(given)
    ask = Ask(
        _url_of_page(spec, given, beside.url) if beside.url else _url(spec, given, beside),
        spec.config.method,
        _headers(spec, given, context, beside, content),
        b"" if content is None else content.data,
        spec.config.timeout_seconds,
        spec.config.max_bytes,
        cut=True,
    )
    try:
        place_of(ask.url)
        checked_headers(ask)
    except Refused as error:
        raise ToolError(f"invalid arguments: {error}", "invalid_arguments") from None
    return ask


def _url(spec: Spec, given: Given, beside: Beside) -> str:
    fixed = {item.name for item in spec.query} | {one.name for one in spec.credentials_in("query")}
    pairs = [pair for item in spec.query if item.name not in beside.page for pair in item.pairs(given, fixed)]
    pairs += [(encoded(one.name), encoded(one.text(given))) for one in spec.credentials_in("query")]
    pairs += [(encoded(name), encoded(value)) for name, value in beside.page.items()]
    asked = "&".join([*filter(None, [spec.url.query]), *(f"{name}={value}" for name, value in pairs)])
    path = f"{spec.url.origin}{spec.url.path(given)}"
    return f"{path}?{asked}" if asked else path


def _url_of_page(spec: Spec, given: Given, url: str) -> str:
    """Credentials in its query are added where its server has left them out."""
    has = {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    missing = [f"{encoded(one.name)}={encoded(one.text(given))}" for one in spec.credentials_in("query") if one.name not in has]
    page = url.partition("#")[0]
    return f"{page}{'&' if '?' in page else '?'}{'&'.join(missing)}" if missing else page


def _headers(spec: Spec, given: Given, context: ToolContext, beside: Beside, content: Content | None) -> dict[str, str]:
    headers = {"Accept": _ACCEPT, "User-Agent": "weft", "traceparent": context.traceparent}
    if content is not None:
        headers["Content-Type"] = content.content_type
    if spec.config.idempotency_header is not None:
        headers[spec.config.idempotency_header] = _key(context)
    cookies = "; ".join(f"{name}={value}" for name, value in _cookies(spec, given))
    said = [*((name, _header(one, given)) for name, one in spec.headers.items())]
    said += [(one.name, one.text(given)) for one in spec.credentials_in("header")]
    said += [("Cookie", cookies or None), ("Authorization", f"Bearer {beside.token}" if beside.token else None)]
    for name, value in said:
        if value is not None:
            headers = {known: kept for known, kept in headers.items() if known.lower() != name.lower()} | {name: value.strip(" \t")}
    return headers


def _header(template: Template, given: Given) -> str | None:
    value = template.value(given)
    return None if value is None or isinstance(value, Missing) else header_text(value)


def _cookies(spec: Spec, given: Given) -> Iterator[tuple[str, str]]:
    for name, template in spec.cookies.items():
        if (value := _header(template, given)) is not None:
            yield name, quote(value, safe=_COOKIE, errors="replace")
    for one in spec.credentials_in("cookie"):
        yield one.name, quote(one.text(given), safe=_COOKIE)


def _key(context: ToolContext) -> str:
    """As it is, where a header can hold it."""
    key = context.idempotency_key
    return key if _KEY.fullmatch(key) else hashlib.sha256(key.encode()).hexdigest()
