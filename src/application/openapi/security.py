"""How an operation's requests say who sends them: security schemes, with a reference to a secret where the secret goes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin

from application.openapi.names import secret_name
from application.openapi.operations import Operation
from application.openapi.parameters import HEADER
from application.openapi.references import Unusable, followed
from application.openapi.servers import what_is_wrong
from domain.json import Json, JsonObject
from domain.secret import bound_as

AUTHORIZATION: Final = "authorization"
"""Stands for the scheme where a document has the header of that name as a parameter."""
_LONGEST_SCOPE: Final = 2_000
_HOLDERS: Final = ("header", "query", "cookie")


@dataclass(frozen=True, slots=True)
class Use:
    """What a secret is for, and what it must be bound to."""

    purpose: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a tool's `auth` has, and the secrets in it by their names."""

    auth: tuple[JsonObject, ...] = ()
    secrets: Mapping[str, Use] = field(default_factory=dict)

    def and_also(self, other: "Shown") -> "Shown":
        """A request has room for one bearer token: where two schemes want one, it is the same."""
        if any("bearer" in one for one in self.auth) and all("bearer" in one for one in other.auth):
            return self
        return Shown((*self.auth, *other.auth), {**self.secrets, **other.secrets})

    def has(self, place: str, name: str) -> bool:
        """Is it there already, so that nobody has to give it?"""
        return (place, _folded(place, name)) in self.places()

    def places(self) -> list[tuple[str, str]]:
        return [place for one in self.auth for place in _places(one)]


@dataclass(frozen=True, slots=True)
class Security:
    """`names`: of secrets, by the scheme's name, where the caller wants them called otherwise."""

    document: JsonObject
    schemes: JsonObject
    names: Mapping[str, str]

    def of(self, operation: Operation, server: str) -> Shown:
        """The first of the alternatives that can be done; `Unusable` with a reason for each when none can."""
        written = operation.fields.get("security", self.document.get("security"))
        alternatives = [one for one in written if isinstance(one, Mapping)] if isinstance(written, list) else []
        reasons: list[str] = []
        for alternative in alternatives:
            try:
                return self._all(alternative, operation, server)
            except Unusable as error:
                reasons.append(error.problem.message)
        if reasons:
            raise operation.refused("security_not_supported", "; ".join(dict.fromkeys(reasons)))
        return Shown()

    def secret(self, scheme: str) -> str:
        return self.names.get(scheme) or secret_name(scheme)

    def _all(self, alternative: JsonObject, operation: Operation, server: str) -> Shown:
        shown = Shown()
        for scheme, scopes in alternative.items():
            shown = shown.and_also(self._one(scheme, scopes, operation, server))
        places = shown.places()
        if len(places) > len(set(places)):
            raise operation.refused("security_not_supported", f"{' and '.join(alternative)} would stand in the same place")
        return shown

    def in_header(self, name: str, server: str) -> Shown:
        """Where a document has credentials as a parameter, which they must not be: whoever calls would see them."""
        secret = self.secret(AUTHORIZATION)
        auth = {"header": {"name": name, "value": _reference(secret)}}
        return Shown((auth,), {secret: Use(f"the whole value of the header `{name}`", (bound_as(server),))})

    def _one(self, scheme: str, scopes: Json, operation: Operation, server: str) -> Shown:
        if scheme not in self.schemes:
            raise operation.refused("unknown_scheme", f"the security scheme `{scheme}` is not in the document")
        written, _ = followed(self.document, self.schemes[scheme], operation.at)
        secret, kind, host = self.secret(scheme), str(written.get("type", "")).lower(), bound_as(server)
        if kind == "apikey":
            return _key(written, scheme, secret, host, operation)
        if kind == "basic" or (kind == "http" and str(written.get("scheme")).lower() == "basic"):
            return _password(secret, host)
        if kind == "oauth2":
            return _oauth2(written, secret, scopes, server)
        if kind == "openidconnect" or (kind == "http" and str(written.get("scheme")).lower() == "bearer"):
            return _token(secret, host)
        said = " ".join(str(written[word]) for word in ("type", "scheme") if word in written)
        raise operation.refused("security_not_supported", f"the security scheme `{scheme}` is of the kind `{said}`, which tools cannot do")


def _places(auth: JsonObject) -> Iterator[tuple[str, str]]:
    for kind, said in auth.items():
        name = said.get("name") if isinstance(said, Mapping) else None
        yield (kind, _folded(kind, name)) if kind in _HOLDERS and isinstance(name, str) else ("header", "authorization")


def _folded(place: str, name: str) -> str:
    return name.lower() if place == "header" else name


def _key(written: JsonObject, scheme: str, secret: str, host: str, operation: Operation) -> Shown:
    name, holder = written.get("name"), str(written.get("in"))
    if not isinstance(name, str) or holder not in _HOLDERS or not (HEADER.fullmatch(name) if holder != "query" else 0 < len(name) <= 200):
        raise operation.refused("security_not_supported", f"the security scheme `{scheme}` does not say where its key goes")
    return Shown(({holder: {"name": name, "value": _reference(secret)}},), {secret: Use(f"the key in the {holder} `{name}`", (host,))})


def _password(secret: str, host: str) -> Shown:
    name = f"{secret}_username"
    auth = {"basic": {"username": _reference(name), "password": _reference(secret)}}
    return Shown((auth,), {name: Use("the user's name", (host,)), secret: Use("the user's password", (host,))})


def _token(secret: str, host: str) -> Shown:
    return Shown(({"bearer": _reference(secret)},), {secret: Use("a bearer token", (host,))})


def _oauth2(written: JsonObject, secret: str, scopes: Json, server: str) -> Shown:
    """Tools can get a token of their own where a client may; elsewhere a person gets one, and it is a secret like any other. A client's
    secret must be for the service as well: the token goes there."""
    for url in _token_urls(written):
        there = urljoin(server + "/", url)
        if not what_is_wrong(there):
            name = f"{secret}_client_id"
            client = {"token_url": there, "client_id": _reference(name), "client_secret": _reference(secret)}
            wanted = " ".join(one for one in scopes if isinstance(one, str)) if isinstance(scopes, list) else ""
            auth = {"oauth2": {**client, "scope": wanted} if 0 < len(wanted) <= _LONGEST_SCOPE else client}
            hosts = tuple(dict.fromkeys([bound_as(there), bound_as(server)]))
            return Shown((auth,), {name: Use("the client's id", hosts), secret: Use("the client's secret", hosts)})
    return _token(secret, bound_as(server))


def _token_urls(written: JsonObject) -> Iterator[str]:
    flows = written.get("flows")
    offered = flows.get("clientCredentials") if isinstance(flows, Mapping) else written if written.get("flow") == "application" else None
    url = offered.get("tokenUrl") if isinstance(offered, Mapping) else None
    if isinstance(url, str):
        yield url


def _reference(name: str) -> str:
    return "${secret." + name + "}"
