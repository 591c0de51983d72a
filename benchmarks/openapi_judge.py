"""Does a request fit an operation as its document describes it? Read from the document itself, without anything of the import."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from jsonschema_rs import Draft202012Validator, FancyRegexOptions, Registry

from benchmarks.openapi_modern import modern
from benchmarks.openapi_received import Received, fields_of, is_many, read, step, typed

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True)
class Judge:
    """Of one document. `base`: the path that stands before all of its paths."""

    document: Any
    base: str = ""
    unjudged: list[str] = field(default_factory=list)

    @cached_property
    def is_swagger(self) -> bool:
        return "swagger" in self.document

    @cached_property
    def registry(self) -> Any:
        return Registry([("doc:/d", modern(self.document, not str(self.document.get("openapi", "")).startswith("3.1")))])

    def objections(self, path: str, method: str, request: Received) -> list[str]:
        """Why the request is not one of this operation; empty when it is."""
        item = self.followed(self.document["paths"][path])
        operation = item[method]
        parameters = {(one.get("name"), one.get("in")): (one, at) for one, at in self.parameters(path, method)}
        return [
            *self._address(path, method, request),
            *(said for (name, place), (one, at) in parameters.items() for said in self._parameter(one, at, str(name), str(place), request)),
            *self._strangers(path, parameters, operation, request),
            *self._body(path, method, operation, request),
            *self._security(operation, request),
        ]

    def followed(self, part: Any) -> Any:
        for _ in range(30):
            if not (isinstance(part, Mapping) and isinstance(part.get("$ref"), str)):
                return part
            part = self._at(part["$ref"][1:])
        return part

    def _at(self, pointer: str) -> Any:
        part = self.document
        for written in unquote(pointer).split("/")[1:]:
            name = written.replace("~1", "/").replace("~0", "~")
            part = part[int(name)] if isinstance(part, list) else part[name]
        return part

    def parameters(self, path: str, method: str) -> Iterator[tuple[Any, str]]:
        written = self.document["paths"][path]
        at = written["$ref"][1:] if isinstance(written.get("$ref"), str) else f"/paths/{step(path)}"
        item = self.followed(written)
        for listed, there in ((item.get("parameters", []), at), (item[method].get("parameters", []), f"{at}/{method}")):
            for place, one in enumerate(listed):
                yield self._located(one, f"{there}/parameters/{place}")

    def _located(self, part: Any, pointer: str) -> tuple[Any, str]:
        while isinstance(part.get("$ref"), str):
            pointer, part = unquote(part["$ref"][1:]), self._at(part["$ref"][1:])
        return part, pointer

    def _address(self, path: str, method: str, request: Received) -> Iterator[str]:
        if request.method.lower() != method:
            yield f"the method is {request.method}"
        bare = path.partition("#")[0].partition("?")[0]
        pieces = [
            quote(piece, safe="/:@!$&'()*+,;=~%-._") if number % 2 == 0 else "[^/]+"
            for number, piece in enumerate(re.split(r"\{([^{}]*)\}", bare))
        ]
        pattern = "".join(piece if piece == "[^/]+" else re.escape(piece) for piece in pieces)
        if not re.fullmatch(re.escape(self.base) + pattern, urlsplit(request.target).path):
            yield f"the path is {request.target}"

    def _parameter(self, one: Any, at: str, name: str, place: str, request: Received) -> Iterator[str]:
        if place == "path" or place in ("body", "formData") or (place == "header" and name.lower() in ("accept", "content-type")):
            return
        found = self._given(one, name, place, request)
        if found is None:
            may_be_nothing = one.get("allowEmptyValue") is True or self._shape(one) in ("array", "object")
            if one.get("required") is True and not may_be_nothing:
                yield f"{place} {name} is missing"
            return
        shape = at if self.is_swagger else f"{at}/schema" if "schema" in one else ""
        if shape and not self._fits(shape, [found, *typed(found)]):
            yield f"{place} {name} is {found!r}"

    def _schema(self, one: Any) -> Any:
        return self.followed(one if self.is_swagger else one.get("schema", {}))

    def _shape(self, one: Any) -> str:
        kind = self._schema(one).get("type")
        return kind if isinstance(kind, str) else next((k for k in kind or [] if k != "null"), "")

    def _given(self, one: Any, name: str, place: str, request: Received) -> Any:
        """As it was sent: text, a list of texts, or an object of texts; None when it was not."""
        if place in ("header", "cookie") and self._shape(one) == "object":
            return None
        if place == "header":
            text = request.headers.get(name.lower())
            return text.split(",") if text is not None and self._shape(one) == "array" else text
        if place == "cookie":
            cookies = dict(part.strip().partition("=")[::2] for part in request.headers.get("cookie", "").split(";") if part.strip())
            return unquote(cookies[name]) if name in cookies else None
        pairs = parse_qsl(urlsplit(request.target).query, keep_blank_values=True)
        values = [value for key, value in pairs if key == name]
        style, shape = self._style(one), self._shape(one)
        if shape == "object" and "content" not in one:
            deep = {key[len(name) + 1 : -1]: value for key, value in pairs if key.startswith(f"{name}[")}
            flat = dict(pairs) if style == ("form", True) else {}
            return deep or flat or None
        if shape == "array" and values and "content" not in one:
            between = {"form": ",", "spaceDelimited": " ", "pipeDelimited": "|"}.get(style[0], ",")
            return values if style[1] else [piece for value in values for piece in value.split(between)]
        return read(values[0]) if values and "content" in one else values[0] if values else None

    def _style(self, one: Any) -> tuple[str, bool]:
        if self.is_swagger:
            kind = one.get("collectionFormat", "csv")
            return {"ssv": "spaceDelimited", "pipes": "pipeDelimited"}.get(kind, "form"), kind == "multi"
        style = one.get("style", "form")
        return style, one.get("explode", style in ("form", "deepObject"))

    def _fits(self, pointer: str, values: list[Any]) -> bool:
        """Does the schema there take one of these readings? True, and noted, where it is no schema."""
        try:
            options = FancyRegexOptions(backtrack_limit=10_000)
            judge = Draft202012Validator({"$ref": f"doc:/d#{quote(pointer, safe='/~')}"}, registry=self.registry, pattern_options=options)
            return any(judge.is_valid(value) for value in values)
        except Exception as error:  # documents of the world hold schemas that are none
            self.unjudged.append(f"{pointer}: {error}"[:200])
            return True

    def _strangers(self, path: str, parameters: Mapping[Any, Any], operation: Any, request: Received) -> Iterator[str]:
        known = {str(name) for name, place in parameters if place == "query"} | set(
            dict(parse_qsl(path.partition("#")[0].partition("?")[2], keep_blank_values=True))
        )
        known |= {scheme.get("name") for scheme in self._schemes().values() if scheme.get("in") == "query"}
        has_objects = any(place == "query" and self._shape(one) in ("object", "") for (_, place), (one, _) in parameters.items())
        for name, _ in parse_qsl(urlsplit(request.target).query, keep_blank_values=True):
            if name not in known and name.partition("[")[0] not in known and not has_objects:
                yield f"query {name} is not in the document"

    def _schemes(self) -> Mapping[str, Any]:
        schemes = (self.document.get("components") or {}).get("securitySchemes") or self.document.get("securityDefinitions") or {}
        return {name: self.followed(one) for name, one in schemes.items()}

    def _body(self, path: str, method: str, operation: Any, request: Received) -> Iterator[str]:
        if self.is_swagger:
            yield from self._swagger_body(path, method, request)
            return
        if "requestBody" not in operation:
            return
        written, at = self._located(operation["requestBody"], f"/paths/{step(path)}/{method}/requestBody")
        content = written.get("content") or {}
        if not request.body:
            if written.get("required") is True and content and "form" not in str(list(content)):
                yield "the body is missing"
            return
        sent = request.headers.get("content-type", "").partition(";")[0]
        declared = next((one for one in content if one.partition(";")[0].strip().lower() == sent.lower() or one == "*/*"), None)
        if declared is None:
            yield f"the content type is {sent}"
            return
        schema_at = f"{at}/content/{step(declared)}/schema"
        yield from self._content(sent, schema_at if "schema" in content[declared] else "", request)

    def _swagger_body(self, path: str, method: str, request: Received) -> Iterator[str]:
        for one, at in self.parameters(path, method):
            if one.get("in") == "body":
                if not request.body and one.get("required") is True:
                    yield "the body is missing"
                if request.body and "json" in request.headers.get("content-type", ""):
                    yield from self._content("application/json", f"{at}/schema", request)
            if one.get("in") == "formData" and one.get("required") is True and one["name"] not in fields_of(request):
                yield f"the field {one['name']} is missing"

    def _content(self, sent: str, at: str, request: Received) -> Iterator[str]:
        if "json" in sent:
            if at and not self._fits(at, [read(request.body.decode("utf-8", "replace"))]):
                yield f"the body is {request.body[:120]!r}"
        elif "form" in sent and at:
            fields = fields_of(request)
            properties, required = self._members(self._at(at))
            yield from (
                f"the field {name} is missing"
                for name in required
                if name in properties and name not in fields and not is_many(self.followed(properties[name]))
            )
            yield from (
                f"the field {name} is not in the document"
                for name in fields
                if name.partition("[")[0] not in properties and name not in properties
            )

    def _members(self, schema: Any, depth: int = 0) -> tuple[dict[str, Any], set[str]]:
        schema = self.followed(schema)
        properties, required = dict(schema.get("properties") or {}), set(schema.get("required") or [])
        for one in schema.get("allOf") or () if depth < 10 else ():
            more, must = self._members(one, depth + 1)
            properties, required = {**more, **properties}, required | must
        return properties, {name for name in required if (properties.get(name) or {}).get("readOnly") is not True}

    def _security(self, operation: Any, request: Received) -> Iterator[str]:
        alternatives = operation.get("security", self.document.get("security")) or []
        if alternatives and not any(all(self._shown(name, request) for name in one) for one in alternatives):
            yield "nothing says who asks"

    def _shown(self, name: str, request: Received) -> bool:
        scheme = self._schemes().get(name, {})
        if scheme.get("type") == "apiKey":
            query = dict(parse_qsl(urlsplit(request.target).query))
            return bool(
                {"query": query, "header": request.headers}.get(scheme["in"], {}).get(
                    scheme["name"] if scheme["in"] == "query" else scheme["name"].lower()
                )
                or (scheme["in"] == "cookie" and f"{scheme['name']}=" in request.headers.get("cookie", ""))
            )
        is_basic = "basic" in (str(scheme.get("type")).lower(), str(scheme.get("scheme")).lower())
        return request.headers.get("authorization", "").startswith("Basic " if is_basic else "Bearer ")
