"""Where an operation's requests go."""

import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from application.openapi.operations import Operation
from application.openapi.references import Unusable
from domain.errors import Problem, ValidationError
from domain.json import Json, JsonObject

_VARIABLE: Final = re.compile(r"\{([^{}]*)\}")
_ADVICE: Final = "say where it is with --server-url"


def server_of(document: JsonObject, operation: Operation, version: str) -> str:
    """The first server that is named nearest to the operation, without a slash at the end."""
    written = _swagger_server(document, operation) if version == "2.0" else _server(document, operation)
    written = f"https:{written}" if written.startswith("//") else written
    wrong = what_is_wrong(written)
    if wrong:
        raise operation.refused("no_server", f"{wrong}: {_ADVICE}")
    return written.rstrip("/")


def what_is_wrong(url: str) -> str:
    """With an address that requests are to go to; "" when nothing is."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return f"`{url[:200]}` is no address"
    if not known:
        return f"`{url[:200]}` does not say on which host it is" if url else "the document does not say where its service is"
    if parts.username or parts.password or parts.query or parts.fragment or re.search(r"[\s{}\\]", url):
        return f"`{url[:200]}` has more in it than a host and a path"
    return ""


def given_server(url: str) -> str:
    wrong = what_is_wrong(url)
    if wrong:
        raise ValidationError(wrong, [Problem("", "bad_server", f"{wrong}: use one like https://api.example.com/v1")])
    return url.rstrip("/")


def _server(document: JsonObject, operation: Operation) -> str:
    for owner in (operation.fields, operation.shared, document):
        for server in _listed(owner.get("servers")):
            return _filled(server, operation)
    return ""


def _listed(written: Json) -> Iterator[JsonObject]:
    for one in written if isinstance(written, list) else ():
        if isinstance(one, Mapping) and isinstance(one.get("url"), str):
            yield one


def _filled(server: JsonObject, operation: Operation) -> str:
    variables = server.get("variables")

    def default(found: re.Match[str]) -> str:
        variable = variables.get(found[1]) if isinstance(variables, Mapping) else None
        value = variable.get("default") if isinstance(variable, Mapping) else None
        if not isinstance(value, str | int):
            raise Unusable(operation.at, "no_server", f"the server's variable `{found[1]}` has no default: {_ADVICE}")
        return str(value)

    return _VARIABLE.sub(default, str(server["url"]).strip())


def _swagger_server(document: JsonObject, operation: Operation) -> str:
    host, base = document.get("host"), document.get("basePath", "")
    if not isinstance(host, str) or not host:
        return ""
    schemes = operation.fields.get("schemes", document.get("schemes"))
    offered = schemes if isinstance(schemes, list) and schemes else ["https"]
    scheme = next((one for one in ("https", "http") if one in offered), None)
    if scheme is None:
        raise operation.refused("no_server", f"it is offered over {', '.join(map(str, offered))}, and tools speak HTTP")
    path = base.strip("/") if isinstance(base, str) else ""
    return f"{scheme}://{host}/{path}"
