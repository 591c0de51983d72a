"""What a module of the domain may not do: read the clock, the environment or chance, talk to the world, wait for it."""

import ast
from collections.abc import Iterator

WORLD = {
    "asyncio", "concurrent", "io", "locale", "logging", "multiprocessing", "os", "pathlib", "platform", "random", "secrets", "select",
    "shutil", "signal", "socket", "sqlite3", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid",
}  # fmt: skip
CLOCKS = {"now", "utcnow", "today"}
SPEAKING = {"open", "print", "input", "breakpoint", "exec", "eval", "__import__"}


def impurities(source: str, *, in_ports: bool = False) -> list[str]:
    """Lines `LINE: what` of a module's source, in the order of the tree. Ports alone may declare what is awaited."""
    return [f"{line}: {what}" for node in ast.walk(ast.parse(source)) for line, what in _of(node, in_ports)]


def _of(node: ast.AST, in_ports: bool) -> Iterator[tuple[int, str]]:
    match node:
        case ast.Import(names=names):
            yield from ((node.lineno, f"imports {alias.name}") for alias in names if alias.name.split(".")[0] in WORLD)
        case ast.ImportFrom(module=str(module)) if module.split(".")[0] in WORLD:
            yield node.lineno, f"imports {module}"
        case ast.Call(func=ast.Attribute(attr=name)) if name in CLOCKS:
            yield node.lineno, f"reads the clock with .{name}()"
        case ast.Call(func=ast.Name(id=name)) if name in SPEAKING:
            yield node.lineno, f"calls {name}()"
        case ast.AsyncFunctionDef() | ast.Await() | ast.AsyncFor() | ast.AsyncWith() if not in_ports:
            yield node.lineno, "waits (async stands in ports only)"
