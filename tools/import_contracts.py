"""A contract for import-linter that says what a package may import; everything else is a breach.

The contracts import-linter brings forbid by name, and nobody can name every library there is.
"""

import sys
from collections.abc import Iterable
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, output
from importlinter.domain import fields
from importlinter.domain.imports import ImportExpression


class AllowedImports(Contract):
    """Modules of `package` import themselves, the standard library, `allowed` packages, and, one by one, `exceptions`."""

    type_name = "allowed"

    # import-linter replaces each field by the value it parsed.
    package = cast(str, fields.StringField())
    allowed = cast(set[str], fields.SetField(subfield=fields.StringField(), default=set()))
    exceptions = cast(set[ImportExpression], fields.SetField(subfield=fields.ImportExpressionField(), default=set()))

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        package = self.package
        known = {package, *self.allowed, *sys.stdlib_module_names}
        excused = excused_imports(self.exceptions)
        breaches = sorted(breach for breach in imports_outside(graph, package, known) if breach not in excused)
        return ContractCheck(kept=not breaches, metadata={"breaches": breaches})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported in check.metadata["breaches"]:
            output.print_error(f"{importer} imports {imported}", bold=False)


def excused_imports(exceptions: Iterable[ImportExpression]) -> set[tuple[str, str]]:
    return {(str(exception.importer.expression), str(exception.imported.expression)) for exception in exceptions}


def imports_outside(graph: ImportGraph, package: str, known: set[str]) -> set[tuple[str, str]]:
    """Pairs (importer, imported) that leave `package` for a top-level name not in `known`."""
    importers = {package, *graph.find_descendants(package)}
    pairs = {(importer, imported) for importer in importers for imported in graph.find_modules_directly_imported_by(importer)}
    return {(importer, imported) for importer, imported in pairs if imported.split(".")[0] not in known}
