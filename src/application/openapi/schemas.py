"""Schemas as OpenAPI and Swagger write them, as JSON Schema 2020-12 with `$defs` for what is shared or leads back to itself."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from application.documents.reading import pointer_to
from application.openapi.compiling import Compiler
from application.openapi.keywords import LISTS_OF_SCHEMAS, NAMED_SCHEMAS, ONE_SCHEMA, PLAIN
from application.openapi.references import Unusable, target_of
from application.openapi.together import Members, finished
from domain.json import Json, JsonObject

MOST_DEPTH: Final = 24
"""Of a schema without its references; deeper than that is anything."""
DEFINITION: Final = "#/$defs/"
_BESIDE_A_REFERENCE: Final = frozenset({"$ref", "description", "title", "default", "nullable", "x-nullable", "deprecated"})
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Converted:
    """`names`: of the definitions that it refers to directly, and how often. `size`: of its JSON text; `parts`: of objects in it."""

    schema: Json
    names: Mapping[str, int]
    size: int
    parts: int

    @classmethod
    def of(cls, schema: Json, names: Iterable[str] = ()) -> "Converted":
        text = json.dumps(schema)
        often = {name: text.count(f'"{DEFINITION}{name}"') for name in names}
        return cls(schema, {name: count for name, count in often.items() if count}, len(text), text.count("{"))


@dataclass(slots=True)
class Definitions:
    """The schemas of one document in one direction, each converted once, when it is first needed.

    `hidden`: `readOnly` for what is sent, `writeOnly` for what comes back. `is_old`: before OpenAPI 3.1, where what stands beside a `$ref`
    does not count.
    """

    document: JsonObject
    hidden: str
    is_old: bool
    compiler: Compiler
    _named: dict[str, str] = field(default_factory=dict)
    _references: dict[str, tuple[str, str]] = field(default_factory=dict)
    _made: dict[str, Converted | Unusable] = field(default_factory=dict)

    def convert(self, written: Json, at: str) -> Converted:
        names: set[str] = set()
        schema = self._schema(written, at, 0, names)
        return Converted.of(schema, names)

    def definition(self, name: str) -> Converted:
        found = self._made.get(name)
        if found is None:
            reference, at = self._references[name]
            try:
                found = self.convert(target_of(self.document, reference, at), reference[1:])
                if reason := self.compiler.refusal(without(found.schema, frozenset())):
                    found = Unusable(reference[1:], "schema_refused", reason)
            except Unusable as error:
                found = error
            self._made[name] = found
        if isinstance(found, Unusable):
            raise found
        return found

    def _name(self, reference: str, at: str) -> str:
        if reference not in self._named:
            last = reference.rsplit("/", 1)[-1].replace("~1", "_").replace("~0", "_")
            base = _NO_NAME.sub("_", last) or "schema"
            name, number = base, 1
            while name in self._references:
                number += 1
                name = f"{base}_{number}"
            self._named[reference], self._references[name] = name, (reference, at)
        return self._named[reference]

    def _schema(self, written: Json, at: str, depth: int, names: set[str]) -> Json:
        if isinstance(written, bool):
            return written
        if not isinstance(written, Mapping) or depth > MOST_DEPTH:
            return {}
        if isinstance(reference := written.get("$ref"), str):
            name = self._name(reference, at)
            names.add(name)
            if self.is_old:
                written = {word: value for word, value in written.items() if word in _BESIDE_A_REFERENCE}
            return self._finished({"$ref": DEFINITION + name, **self._words(written, at, depth, names)}, written)
        return self._finished(self._words(written, at, depth, names), written)

    def _words(self, written: JsonObject, at: str, depth: int, names: set[str]) -> Members:
        made: Members = {}
        for word, value in written.items():
            check = PLAIN.get(word)
            if check is not None:
                if check(value):
                    made[word] = value
            elif word in ONE_SCHEMA:
                made[word] = self._inner(value, pointer_to(at, word), depth, names)
            elif word in LISTS_OF_SCHEMAS and isinstance(value, list) and value:
                made[word] = [self._schema(one, f"{at}/{word}/{place}", depth + 1, names) for place, one in enumerate(value)]
            elif word in NAMED_SCHEMAS and isinstance(value, Mapping):
                made[word] = self._named_schemas(word, value, pointer_to(at, word), depth, names)
        return made

    def _inner(self, value: Json, at: str, depth: int, names: set[str]) -> Json:
        """A list of items by their places, as drafts before 2020-12 wrote it, is any of them."""
        if isinstance(value, list):
            return {"anyOf": [self._schema(one, at, depth + 1, names) for one in value]} if value else {}
        return self._schema(value, at, depth + 1, names)

    def _named_schemas(self, word: str, value: JsonObject, at: str, depth: int, names: set[str]) -> Members:
        return {
            name: self._schema(one, pointer_to(at, name), depth + 1, names)
            for name, one in value.items()
            if not (word == "properties" and self._is_hidden(one)) and (word != "patternProperties" or self.compiler.accepts_pattern(name))
        }

    def _is_hidden(self, written: Json) -> bool:
        return isinstance(written, Mapping) and written.get(self.hidden) is True

    def _finished(self, made: Members, written: JsonObject) -> Members:
        pattern = written.get("pattern")
        if isinstance(pattern, str) and self.compiler.accepts_pattern(pattern):
            made["pattern"] = pattern
        return finished(made, written, self.hidden)


def without(schema: Json, kept: frozenset[str]) -> Json:
    """References to definitions that are not `kept` become anything, under the name of what it was."""
    if isinstance(schema, list):
        return [without(one, kept) for one in schema]
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str) and (name := reference.removeprefix(DEFINITION)) not in kept:
        return {"title": name, **{word: value for word, value in schema.items() if word != "$ref"}}
    return {word: without(value, kept) for word, value in schema.items()}
