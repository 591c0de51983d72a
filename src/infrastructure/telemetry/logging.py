"""Logs: one JSON object a line on stderr, ours and the libraries' alike, with what the context binds (`run`, `thread`, `node`)."""

import logging
import sys
import threading
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

import orjson

from domain.ports.secrets import Redact
from infrastructure.telemetry.levels import LEVELS, Levels, parse_levels

if TYPE_CHECKING:
    from structlog.typing import Processor

OURS = ("domain", "application", "infrastructure", "interface", "bootstrap", "weft")
Line: TypeAlias = MutableMapping[str, Any]


class _Stderr(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the standard library's name)
        """The standard library would print what could not be logged, as it is."""
        error = sys.exc_info()[0]
        self.stream.write(f"a line of {record.name} ({record.pathname}:{record.lineno}) cannot be logged: {error and error.__name__}\n")


def configure(level_spec: str = "info", pretty: bool = False, redact: Redact = str) -> None:
    """Say once, before the first line, what is logged. Libraries are heard from `warning` on, unless `level_spec` names them.

    `pretty` writes for a person in place of a program. No line holds what `redact` takes out, in no traceback either. A `level_spec` that
    cannot be read is a `ValidationError`.
    """
    levels = parse_levels(level_spec)
    _set_levels(levels)
    # structlog takes a sixth of a second to import: only who logs pays for it.
    import structlog

    shared = _shared()
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    _write_to_stderr(shared, pretty, redact)


def _set_levels(levels: Levels) -> None:
    logging.getLogger().setLevel(max(levels.default, LEVELS["warning"]))
    for name, level in {**dict.fromkeys(OURS, levels.default), **levels.named}.items():
        logging.getLogger(name).setLevel(level)


def _shared() -> "list[Processor]":
    """What happens to a line before it is written, wherever it came from."""
    import structlog

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _write_to_stderr(shared: "Sequence[Processor]", pretty: bool, redact: Redact) -> None:
    import structlog

    output = _Stderr(sys.stderr)
    output.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(pretty, redact)],
        )
    )
    logging.getLogger().handlers[:] = [output]
    threading.excepthook = _log_end_of_thread


def _log_end_of_thread(end: threading.ExceptHookArgs) -> None:
    """Python itself would print what a thread died of, as it is."""
    if end.exc_value is not None and end.exc_type is not SystemExit:
        name = end.thread.name if end.thread else "a thread"
        logging.getLogger("infrastructure.threads").error("%s died", name, exc_info=end.exc_value)


def _rendering(pretty: bool, redact: Redact) -> "Sequence[Processor]":
    import structlog

    if pretty:
        console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        return [lambda logger, name, line: redact(str(console(logger, name, line)))]
    in_json = structlog.processors.JSONRenderer(serializer=_json)
    return [structlog.processors.format_exc_info, partial(_without_secrets, redact), in_json]


def _without_secrets(redact: Redact, logger: object, name: str, line: Line) -> Line:
    return {redact(key): _plain(value, redact) for key, value in line.items()}


def _plain(value: object, redact: Redact) -> object:
    """As it is going to be written: what JSON has no word for is written as text, and that text may hold anything."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        shown = redact(str(value))
        return value if shown == str(value) else shown
    if isinstance(value, Mapping):
        return {redact(str(key)): _plain(inner, redact) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner, redact) for inner in value]
    return redact(str(value))


def _json(line: Line, default: Callable[[object], object] | None = None, **_: object) -> str:
    return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
