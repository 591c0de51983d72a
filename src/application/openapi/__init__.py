"""Documents of OpenAPI 3.0, 3.1 and Swagger 2.0 as documents of tools: one for each operation."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from application.openapi.bounding import Bounds
from application.openapi.compiling import Compiler
from application.openapi.converting import Converter, Made
from application.openapi.names import tool_names
from application.openapi.operations import Operation, operations_of, version_of
from application.openapi.outcomes import Imported, Outcome, Row, Secret, Told, gathered
from application.openapi.references import Unusable
from application.openapi.requests import Requests
from application.openapi.schemas import Definitions
from application.openapi.security import AUTHORIZATION, Security
from application.openapi.servers import given_server
from application.openapi.wanted import Wanted
from domain.errors import Problem, ValidationError
from domain.json import Json, JsonObject
from domain.ports.schemas import Schemas

__all__ = [
    "MOST_BYTES",
    "MOST_OPERATIONS",
    "MOST_VALUES",
    "Import",
    "Imported",
    "Outcome",
    "Row",
    "Schemas",
    "Secret",
    "Told",
    "Wanted",
    "gathered",
]

MOST_BYTES: Final = 64 * 1024 * 1024
MOST_VALUES: Final = 8_000_000
MOST_OPERATIONS: Final = 20_000
_RELEASE: Final = re.compile(r"[0-9A-Za-z.+-]{1,64}")
_PREFIX: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}|")


@dataclass(frozen=True, slots=True)
class Import:
    """Every operation that is wanted, each made a tool when it is its turn. Goes through as often as it is gone through."""

    converter: Converter
    named: Sequence[tuple[Operation, str]]

    @classmethod
    def of(cls, document: JsonObject, wanted: Wanted, schemas: Schemas) -> "Import":
        """`ValidationError` when it is no such document, or nothing in it is wanted."""
        converter = _converter(document, wanted, schemas)
        named = [(operation, name) for operation, name in _named(document, wanted) if wanted.takes(operation)]
        if not named:
            raise _refused("nothing_wanted", "no operation of the document is one of those that are wanted")
        return cls(converter, named)

    def __len__(self) -> int:
        return len(self.named)

    def __iter__(self) -> Iterator[Outcome]:
        return (self._outcome(operation, name) for operation, name in self.named)

    def _outcome(self, operation: Operation, name: str) -> Outcome:
        try:
            made = self._made(operation, name)
        except Unusable as error:
            return Outcome(operation.title, None, (error.problem,))
        return Outcome(operation.title, made.tool, made.warnings, made.shown.secrets)

    def _made(self, operation: Operation, name: str) -> Made:
        if operation.broken is not None:
            raise operation.refused(operation.broken.code, operation.broken.message)
        return self.converter.tool(operation, name)


def _converter(document: JsonObject, wanted: Wanted, schemas: Schemas) -> Converter:
    version = version_of(document)
    if not _PREFIX.fullmatch(wanted.prefix):
        raise _refused("bad_prefix", "a prefix is a letter, then at most 31 letters, digits, _ and -")
    if "__" in wanted.prefix:
        raise _refused("bad_prefix", "a prefix has no `__`: such names are those of servers' tools")
    compiler = Compiler(schemas)

    def bounds(hidden: str) -> Bounds:
        return Bounds(Definitions(document, hidden, version != "3.1", compiler), compiler)

    schemes = _schemes(document)
    strange = sorted(wanted.secrets.keys() - {*schemes, AUTHORIZATION})
    if strange:
        known = ", ".join(schemes) or "none"
        raise _refused("unknown_scheme", f"the document has no security scheme `{strange[0]}`; it has {known}")
    security = Security(document, schemes, wanted.secrets)
    return Converter(
        document=document,
        version=version,
        release=_release(document),
        server=given_server(wanted.server) if wanted.server else "",
        requests=Requests(document, version, security),
        sent=bounds("readOnly"),
        answers=bounds("writeOnly") if wanted.checks_answers else None,
    )


def _named(document: JsonObject, wanted: Wanted) -> Iterator[tuple[Operation, str]]:
    """All of the document, so that a filter changes no name."""
    operations = []
    for operation in operations_of(document):
        operations.append(operation)
        if len(operations) > MOST_OPERATIONS:
            raise _refused("too_many_operations", f"a document may have {MOST_OPERATIONS:,} operations, and this has more")
    names = tool_names([(one.id, one.method.upper(), one.path) for one in operations], wanted.prefix)
    return zip(operations, names, strict=True)


def _schemes(document: JsonObject) -> JsonObject:
    components = document.get("components")
    written: Json = components.get("securitySchemes") if isinstance(components, Mapping) else document.get("securityDefinitions")
    return written if isinstance(written, Mapping) else {}


def _release(document: JsonObject) -> str:
    info = document.get("info")
    version = info.get("version") if isinstance(info, Mapping) else None
    return version if isinstance(version, str) and _RELEASE.fullmatch(version) else "1.0.0"


def _refused(code: str, message: str) -> ValidationError:
    return ValidationError(message, [Problem("", code, message)])
