"""Logs: one JSON object a line on stderr, ours and the libraries' alike, with what the context binds (`run`, `thread`, `node`)."""

import logging
import sys
from collections.abc import Callable, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from infrastructure.telemetry.levels import LEVELS, Levels, parse_levels

if TYPE_CHECKING:
    from structlog.typing import Processor

OURS = ("domain", "application", "infrastructure", "interface", "bootstrap", "weft")
Line: TypeAlias = MutableMapping[str, Any]


def configure(level_spec: str = "info", pretty: bool = False) -> None:
    """Say once, before the first line, what is logged. Libraries are heard from `warning` on, unless `level_spec` names them.

    `pretty` writes for a person in place of a program. A `level_spec` that cannot be read is a `ValidationError`.
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
    _write_to_stderr(shared, pretty)


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


def _write_to_stderr(shared: "Sequence[Processor]", pretty: bool) -> None:
    import structlog

    render: Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if pretty
        else structlog.processors.JSONRenderer(serializer=_json)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *([] if pretty else [structlog.processors.format_exc_info]),
            render,
        ],
    )
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(formatter)
    logging.getLogger().handlers[:] = [output]


def _json(line: Line, default: Callable[[object], object] | None = None, **_: object) -> str:
    return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
