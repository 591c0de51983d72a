"""What a template may be made of. The syntax tree is checked against a list, loops and comparisons in it are put under the budget."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

from jinja2 import nodes

from domain.errors import ExpressionError
from infrastructure.cel.syntax import MINE, ROOTS, Path, unknown_root
from infrastructure.jinja.filters import FILTERS, MACHINERY, TESTS

MAX_LOOPS: Final = 2
"""A loop, and one inside it."""
MAX_DEPTH: Final = 40
_ALLOWED: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Assign, nodes.Name, nodes.Const, nodes.List,
    nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.CondExpr, nodes.Filter, nodes.Test, nodes.Getitem, nodes.Getattr,
    nodes.Slice, nodes.Concat, nodes.Compare, nodes.Operand, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod,
    nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.Call, nodes.Scope,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """The names that a template may read: those of a graph's node, or the variables that a published prompt declares."""

    roots: frozenset[str] = ROOTS
    is_declared: bool = False

    def why_not(self, name: str) -> str:
        if not self.is_declared:
            return unknown_root(name, "templates")
        return f"`{name}` is not declared; the variables are {', '.join(sorted(self.roots)) or 'none'}"


OF_GRAPHS: Final = Known()


def check(tree: nodes.Template, known: Known) -> None:
    """`ExpressionError` for the first thing that is not allowed, with its line."""
    _check(tree, known, 0, 0)


def _check(node: nodes.Node, known: Known, loops: int, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _refused(node, f"it is nested deeper than {MAX_DEPTH}")
    if type(node) not in _ALLOWED:
        raise _refused(node, f"`{type(node).__name__.lower()}` is not allowed in a template")
    if reason := _reason_against(node, known):
        raise _refused(node, reason)
    inside = loops + isinstance(node, nodes.For)
    if inside > MAX_LOOPS:
        raise _refused(node, "loops are nested at most once")
    for child in node.iter_child_nodes():
        _check(child, known, inside, depth + 1)


def _refused(node: nodes.Node, reason: str) -> ExpressionError:
    return ExpressionError(f"line {node.lineno}: {reason}")


def _reason_against(node: nodes.Node, known: Known) -> str:
    match node:
        case nodes.For(recursive=True):
            return "a loop cannot be recursive"
        case nodes.Filter(name=name) if name in MACHINERY or name not in FILTERS:
            return f"there is no filter `{name}`; there are {', '.join(sorted(FILTERS.keys() - MACHINERY.keys()))}"
        case nodes.Test(name=name) if name not in TESTS:
            return f"there is no test `{name}`"
        case nodes.Call() if not _is_range(node):
            return "only `range` can be called; use a filter"
        case nodes.Tuple(ctx="load"):
            return "write a list in square brackets instead of a tuple"
        case nodes.Name(ctx="store", name=name) if name in known.roots or name in ("loop", "range"):
            return f"`{name}` cannot be assigned"
        case nodes.Name(name=name) if name.startswith(MINE):
            return f"names that begin with `{MINE}` are ours"
    return ""


def _is_range(call: nodes.Call) -> bool:
    return isinstance(call.node, nodes.Name) and call.node.name == "range" and not (call.kwargs or call.dyn_args or call.dyn_kwargs)


def paths(tree: nodes.Template, known: Known) -> frozenset[Path]:
    """Every path the template reads. `ExpressionError` for a name that is neither a root nor made in the template."""
    own = {name.name for name in tree.find_all(nodes.Name) if name.ctx == "store"} | {"loop", "range"}
    return frozenset(_read(tree, known, own))


def _read(node: nodes.Node, known: Known, own: set[str]) -> Iterator[Path]:
    path = _path(node)
    if path is None:
        for child in node.iter_child_nodes():
            yield from _read(child, known, own)
    elif path[0] in known.roots:
        yield path
    elif path[0] not in own:
        raise _refused(node, known.why_not(path[0]))


def _path(node: nodes.Node) -> Path | None:
    """The path when the node is `root.a.b` or `root["a"]`, else None."""
    if isinstance(node, nodes.Name):
        return (node.name,) if node.ctx == "load" else None
    if isinstance(node, nodes.Getattr):
        before, name = _path(node.node), node.attr
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        before, name = _path(node.node), node.arg.value
    else:
        return None
    return (*before, name) if before else None


def put_under_budget(tree: nodes.Template) -> None:
    """Every loop counts its rounds; what is compared or joined with `~` is weighed first."""
    for loop in tree.find_all(nodes.For):
        loop.iter = _filtered(cast(nodes.Expr, loop.iter), "weft_each")
    for comparison in tree.find_all(nodes.Compare):
        comparison.expr = _filtered(comparison.expr, "weft_sized")
        for operand in comparison.ops:
            operand.expr = _filtered(operand.expr, "weft_sized")
    _join_under_budget(tree)


def _join_under_budget(node: nodes.Node) -> None:
    """`a ~ b` cannot be intercepted, so it becomes a filter."""
    for field, value in node.iter_fields():
        if isinstance(value, list):
            value[:] = [_joined(one) for one in value]
        elif isinstance(value, nodes.Node):
            setattr(node, field, _joined(value))


def _joined(value: nodes.Node) -> nodes.Node:
    if isinstance(value, nodes.Node):
        _join_under_budget(value)
    if isinstance(value, nodes.Concat):
        return _filtered(nodes.List(value.nodes, lineno=value.lineno, environment=value.environment), "weft_concat")
    return value


def _filtered(value: nodes.Expr, name: str) -> nodes.Filter:
    return nodes.Filter(value, name, [], [], None, None, lineno=value.lineno, environment=value.environment)
