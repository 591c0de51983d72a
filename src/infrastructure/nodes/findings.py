"""What an inspection gathers: problems and what is read, each at its place in the node."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from domain.errors import ExpressionError, Problem, ValidationError
from domain.json import Json
from domain.ports.nodes import Inspection, Reads, Workshop


def step(name: str | int) -> str:
    """One step of a JSON pointer."""
    return f"/{str(name).replace('~', '~0').replace('/', '~1')}"


@dataclass(slots=True)
class Findings:
    workshop: Workshop
    problems: list[Problem] = field(default_factory=list)
    reads: list[Reads] = field(default_factory=list)

    def problem(self, pointer: str, code: str, message: str) -> None:
        self.problems.append(Problem(pointer, code, message))

    def value(self, pointer: str, written: Json) -> None:
        """Compile every expression in a value, however deep it stands."""
        if isinstance(written, str):
            self._expression(pointer, written)
        elif isinstance(written, Mapping):
            for name, below in written.items():
                self.value(pointer + step(name), below)
        elif isinstance(written, list | tuple):
            for index, below in enumerate(written):
                self.value(pointer + step(index), below)

    def _expression(self, pointer: str, written: str) -> None:
        try:
            self._read(pointer, self.workshop.expressions.value(written).paths)
        except ExpressionError as error:
            self.problem(pointer, error.code, error.message)

    def template(self, pointer: str, source: str) -> None:
        try:
            self._read(pointer, self.workshop.templates.compile(source).paths)
        except ExpressionError as error:
            self.problem(pointer, error.code, error.message)

    def schema(self, pointer: str, schema: Json) -> None:
        try:
            self.workshop.schemas.compile(schema)
        except ValidationError as error:
            self.problems.extend(Problem(pointer + problem.pointer, problem.code, problem.message) for problem in error.problems)

    def _read(self, pointer: str, paths: frozenset[tuple[str, ...]]) -> None:
        if paths:
            self.reads.append(Reads(pointer, paths))

    def inspection(self, workflow: str = "", fails_with: Sequence[tuple[str, str]] = ()) -> Inspection:
        return Inspection(tuple(self.problems), tuple(self.reads), workflow, fails_with)
