"""One operation as a tool's document."""

from dataclasses import dataclass
from typing import Final

from application.openapi.answers import accept_header, answer_schema
from application.openapi.arguments import Arguments, entry
from application.openapi.bodies import Body, Kind
from application.openapi.bounding import Bounds
from application.openapi.keywords import shortened
from application.openapi.operations import Operation
from application.openapi.parameters import PLACES
from application.openapi.paths import LONGEST, address_of, constants_of
from application.openapi.requests import Request, Requests
from application.openapi.security import Shown
from application.openapi.servers import server_of
from domain.errors import Problem
from domain.json import Json, JsonObject

EFFECTS: Final = {"get": "none", "head": "none", "options": "none", "put": "idempotent", "delete": "idempotent"}
_MOST_WORDS: Final = 2_000
_MOST_TAGS: Final = 50
_LONGEST_TAG: Final = 64


@dataclass(frozen=True, slots=True)
class Made:
    """`server`: where its requests go."""

    tool: JsonObject
    shown: Shown
    server: str
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Converter:
    """Of one document, whose version is `version` and whose content calls itself `release`. `server`: where the caller says that the
    service is, or "". `answers`: None when they are not to be checked."""

    document: JsonObject
    version: str
    release: str
    server: str
    requests: Requests
    sent: Bounds
    answers: Bounds | None

    def tool(self, operation: Operation, name: str) -> Made:
        """`Unusable` says why there can be none."""
        if operation.method == "trace":
            raise operation.refused("method_not_supported", "tools cannot send TRACE")
        server = self.server or server_of(self.document, operation, self.version)
        request = self.requests.of(operation, server)
        arguments = Arguments(self.sent.definitions)
        config = self._config(operation, server, request, arguments)
        bounded = self.sent.bounded(arguments.schema(), operation.at)
        tool: dict[str, Json] = {
            "name": name,
            "type": "rest",
            "description": _description(operation),
            "version": self.release,
            "tags": [tag[:_LONGEST_TAG] for tag in operation.tags if tag][:_MOST_TAGS],
            "effects": "idempotent" if request.idempotency_header else EFFECTS.get(operation.method, "once"),
            "parameters": bounded.schema,
            "returns": {} if self.answers is None else answer_schema(self.document, operation, self.answers),
            "config": config,
        }
        return Made(tool, request.shown, server, (*request.warnings, *(() if bounded.is_whole else (_shortage(operation),))))

    def _config(self, operation: Operation, server: str, request: Request, arguments: Arguments) -> dict[str, Json]:
        places: dict[str, dict[str, Json]] = {place: {} for place in PLACES}
        names: dict[str, str] = {}
        for one in (one for one in request.parameters if one.place == "path"):
            names[one.name] = name = arguments.take(one)
            if not one.is_usual:
                places["path"][name] = {"style": one.style, "explode": one.explode}
        body = None if request.body is None else _body(request.body, arguments)
        for one in (one for one in request.parameters if one.place != "path"):
            places[one.place][one.name] = entry(one, arguments.take(one))
        parts: dict[str, Json] = {
            "method": operation.method.upper(),
            "url": address_of(server, operation.path, names),
            "query": {**constants_of(operation.path), **places["query"]},
            "path": places["path"],
            "headers": {**accept_header(self.document, operation, self.version), **places["header"]},
            "cookies": places["cookie"],
            "body": body,
            "auth": list(request.shown.auth),
            "idempotency_header": request.idempotency_header,
        }
        if len(str(parts["url"])) > LONGEST:
            raise operation.refused("bad_path", f"its URL is longer than {LONGEST:,} characters")
        return {name: part for name, part in parts.items() if part}


def _body(body: Body, arguments: Arguments) -> JsonObject:
    if body.kind in (Kind.FORM, Kind.MULTIPART):
        return {body.kind.value: {one.name: entry(one, arguments.take(one)) for one in body.fields}}
    value = "${arguments." + arguments.take_body(body) + "}"
    is_plain = body.media_type in ("application/json", "*/*")
    return {body.kind.value: value, **({} if is_plain else {"content_type": body.media_type})}


def _description(operation: Operation) -> str:
    """What models read, so it is never empty."""
    written = [operation.fields.get(word) for word in ("summary", "description")]
    texts = [text.strip() for text in written if isinstance(text, str) and text.strip()]
    told = ["This is deprecated."] if operation.fields.get("deprecated") is True else []
    said = "\n\n".join([*told, *dict.fromkeys(texts)])
    return shortened(said or operation.title, _MOST_WORDS)


def _shortage(operation: Operation) -> Problem:
    return Problem(operation.at, "shortened", "its schema is too big: what lies deep in it is taken as it comes, and the service judges it")
