"""The operations of a document, each in the shape of OpenAPI 3 whatever it was written in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from application.documents.reading import pointer_to
from application.openapi.references import Unusable, followed
from domain.errors import Problem, ValidationError
from domain.json import Json, JsonObject

METHODS: Final = ("get", "head", "options", "post", "put", "patch", "delete", "trace")
_SUPPORTED: Final = {"2.0": "2.0", "3.0": "3.0", "3.1": "3.1"}


@dataclass(frozen=True, slots=True)
class Operation:
    """As written, with what its path adds. `at`: where it stands. `broken`: why its path item cannot be read."""

    method: str
    path: str
    at: str
    fields: JsonObject
    shared: JsonObject
    shared_at: str
    broken: Problem | None = None

    @property
    def title(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def id(self) -> str:
        written = self.fields.get("operationId")
        return written if isinstance(written, str) else ""

    @property
    def tags(self) -> Sequence[str]:
        written = self.fields.get("tags")
        return [tag for tag in written if isinstance(tag, str)] if isinstance(written, list) else []

    def refused(self, code: str, message: str) -> Unusable:
        return Unusable(self.at, code, message)


def version_of(document: JsonObject) -> str:
    """`2.0`, `3.0` or `3.1`; `ValidationError` for any other."""
    written = document.get("swagger", document.get("openapi"))
    version = _SUPPORTED.get(str(written)[:3])
    if version is None or (version == "2.0") != ("swagger" in document):
        said = "it says neither `openapi` nor `swagger`" if written is None else f"it says {str(written)[:40]}"
        message = f"OpenAPI 3.0 and 3.1 and Swagger 2.0 can be imported, and this is none: {said}"
        raise ValidationError(message, [Problem("", "unknown_format", message)])
    return version


def operations_of(document: JsonObject) -> Iterator[Operation]:
    """In the order of the document. A path item that cannot be read is one broken operation."""
    paths = document.get("paths")
    for path, written in paths.items() if isinstance(paths, Mapping) else ():
        if path.startswith("x-"):
            continue
        at = pointer_to("/paths", path)
        try:
            item, item_at = followed(document, written, at)
        except Unusable as error:
            yield Operation("any", path, at, {}, {}, at, error.problem)
            continue
        item = {**_beside(written), **item}
        for method in METHODS:
            if method in item:
                yield _operation(method, path, item, at if item_at == at else item_at)


def _beside(written: Json) -> JsonObject:
    """A path item may have a `$ref` and more."""
    return {word: value for word, value in written.items() if word != "$ref"} if isinstance(written, Mapping) else {}


def _operation(method: str, path: str, item: JsonObject, at: str) -> Operation:
    inside, fields = f"{at}/{method}", item[method]
    if isinstance(fields, Mapping):
        return Operation(method, path, inside, fields, item, at)
    return Operation(method, path, inside, {}, item, at, Problem(inside, "wrong_type", "an operation must be an object"))
