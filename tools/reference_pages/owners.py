"""`settings.md` and `commands.md`: what an owner can set, and what can be typed."""

from collections.abc import Iterator
from enum import Enum
from typing import Any, Final, get_args

from tools.reference_pages.markdown import code, json_code, page, table

_COMMANDS: Final = """\
`weft --help` and `weft COMMAND --help` say the same. Exit codes: 0 done, 1 the run failed, 2 wrong use or invalid document, 3
server not reachable, 130 interrupted."""

_OTHER_VARIABLES: Final = """\
Commands that ask a running service also read `WEFT_SERVER` and `WEFT_API_KEY`. `WEFT_DEBUG=1` lets a fault inside a command show
its traceback."""

_SETTINGS: Final = """\
Defaults, then `weft.toml` (or `.yaml`, `.json`) in the working folder, then the environment, then flags; the later wins. In a
file a setting has the name of its variable in lower case, without `WEFT_`. A wrong value stops the command with 2 and names its
variable. `weft config show` lists them as they are, with where each came from and secrets hidden."""

_METAVARS = {"str": "TEXT", "int": "NUMBER", "float": "NUMBER", "Path": "FILE"}


def settings_page(settings: Any) -> str:
    return page(
        "Settings",
        _SETTINGS,
        table(("variable", "default", "what it is"), [_setting(settings, name) for name in settings.model_fields]),
        _OTHER_VARIABLES,
    )


def _setting(settings: Any, name: str) -> tuple[str, str, str]:
    field = settings.model_fields[name]
    default = field.default
    shown = "" if default in (None, (), {}) else code(default) if isinstance(default, str) else json_code(default)
    return code(f"WEFT_{name.upper()}"), shown, field.description


def commands_page(root: Any) -> str:
    return page(
        "Commands",
        _COMMANDS,
        *_commands(root, "weft"),
    )


def _commands(group: Any, name: str) -> Iterator[str]:
    for word, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{name} {word}")
        else:
            yield _command(f"{name} {word}", command)


def _command(name: str, command: Any) -> str:
    arguments = " ".join(_argument(given) for given in command.params if given.param_type_name == "argument")
    usage = f"{name} [OPTIONS] {arguments}".rstrip()
    options = [_option(given) for given in command.params if given.param_type_name == "option"]
    parts = [
        f"## {name}",
        f"```text\n{usage}\n```",
        command.help or "",
        table(("option", "", "what it is"), options) if options else "",
        _epilog(command),
    ]
    return "\n\n".join(part.rstrip() for part in parts if part)


def _argument(given: Any) -> str:
    name = given.metavar or given.name.upper()
    name = f"{name}..." if given.nargs == -1 and not name.endswith("...") else name
    return str(name) if given.required else f"[{name}]"


def _option(given: Any) -> tuple[str, str, str]:
    names = ", ".join(code(name) for name in [*given.opts, *given.secondary_opts])
    value = "" if given.is_flag else given.metavar or _metavar(given.type_descriptor.annotation)
    default = f" Default: {given.default}." if given.default not in (None, False, True, "", ()) else ""
    variable = f" Else {given.envvar}." if given.envvar else ""
    return names, code(value), f"{given.help or ''}{' Required.' if given.required else ''}{default}{variable}"


def _metavar(annotation: type) -> str:
    if issubclass(annotation, Enum):
        return "|".join(str(choice.value) for choice in annotation)
    (one, *_) = get_args(annotation) or (annotation,)
    return _METAVARS[one.__name__]


def _epilog(command: Any) -> str:
    example = str(command.epilog or "").removeprefix("Example: ")
    return f"```sh\n{example}\n```" if example else ""
