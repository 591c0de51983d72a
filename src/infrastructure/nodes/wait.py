"""`wait` lets time pass, or waits for a signal, or for the first of several, holding nothing meanwhile. Output: `{woke_by, payload}`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import ConfigDict, Field

from domain.errors import NodeExecutionError
from domain.graph.definition import Join, Node
from domain.json import Json, JsonObject
from domain.ports.expressions import Expressions, Value
from domain.ports.nodes import LONGEST_SECONDS, Executor, Inspection, NodeContext, Park, Workshop
from infrastructure.nodes.config import NodeConfig, read_config, schema_of
from infrastructure.nodes.findings import Findings, step
from infrastructure.nodes.times import NO_DURATION, NO_MOMENT, duration_of, is_written, moment_of

TIMER: Final = "timer"
"""What a wait was woken by when its time came; no signal is called so."""
_TIMED_OUT: Final[JsonObject] = {"woke_by": TIMER, "payload": None}
_Signal = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")]
_Time = int | float | Annotated[str, Field(min_length=1)]
_SOURCES: Final = ("seconds", "until", "signal")


class Source(NodeConfig):
    """One thing to wait for: exactly one of these keys. `seconds` and `until` are values, `signal` is a name as it stands."""

    # "" passes no schema, and so means that the key is not there.
    seconds: _Time = ""
    until: _Time = ""
    signal: _Signal = ""


class WaitConfig(Source):
    """`first`: whichever of these comes first."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [name]} for name in (*_SOURCES, "first")]})

    first: Annotated[tuple[Source, ...], Field(min_length=1, max_length=20)] = ()


@dataclass(frozen=True, slots=True)
class _Duration:
    seconds: Value

    def __call__(self, context: NodeContext) -> float:
        return context.now() + _read(self.seconds, duration_of, context, "invalid_seconds", NO_DURATION)


@dataclass(frozen=True, slots=True)
class _Moment:
    at: Value

    def __call__(self, context: NodeContext) -> float:
        moment = _read(self.at, moment_of, context, "invalid_until", NO_MOMENT)
        if moment > context.now() + LONGEST_SECONDS:
            raise NodeExecutionError(f"{NO_MOMENT}: `{self.at.source}` is later than that", "invalid_until")
        return moment


def _read(value: Value, read: Callable[[Json], float | None], context: NodeContext, code: str, refused: str) -> float:
    given = value(context.scope)
    found = read(given)
    if found is None:
        raise NodeExecutionError(f"{refused}: `{value.source}` gives {str(given)[:60]}", code)
    return found


@dataclass(frozen=True, slots=True)
class Waiting:
    """The node, compiled."""

    times: Sequence[_Duration | _Moment]
    signals: tuple[str, ...]

    def __call__(self, context: NodeContext) -> Park:
        until = min((due(context) for due in self.times), default=None)
        kind = "signal" if self.signals else TIMER
        return Park(kind, until, None if until is None else _TIMED_OUT, self.signals)


@dataclass(frozen=True, slots=True)
class WaitKind:
    name: str = "wait"
    default_join: Join | None = None

    @property
    def schema(self) -> JsonObject:
        return schema_of(WaitConfig)

    def inspect(self, node: Node, workshop: Workshop) -> Inspection:
        config, findings = read_config(WaitConfig, node), Findings(workshop)
        _look_at(config, "", findings)
        for number, source in enumerate(config.first):
            if len(source.model_fields_set) != 1:
                findings.problem(f"/first{step(number)}", "not_one", f"name exactly one of {', '.join(_SOURCES)}")
            _look_at(source, f"/first{step(number)}", findings)
        return findings.inspection()

    def build(self, node: Node, workshop: Workshop) -> Executor:
        config = read_config(WaitConfig, node)
        sources = config.first or (config,)
        times = [due for source in sources if (due := _time_of(source, workshop.expressions)) is not None]
        signals = tuple(dict.fromkeys(source.signal for source in sources if source.signal))
        return Executor(Waiting(times, signals), waits=False)


def _look_at(source: Source, at: str, findings: Findings) -> None:
    if source.seconds != "":
        findings.value(f"{at}/seconds", source.seconds)
        if not is_written(source.seconds, duration_of):
            findings.problem(f"{at}/seconds", "invalid_seconds", NO_DURATION)
    if source.until != "":
        findings.value(f"{at}/until", source.until)
        if not is_written(source.until, moment_of):
            findings.problem(f"{at}/until", "invalid_until", NO_MOMENT)
    if source.signal == TIMER:
        findings.problem(f"{at}/signal", "reserved_name", f"`{TIMER}` is what time wakes a node by: give the signal another name")


def _time_of(source: Source, expressions: Expressions) -> _Duration | _Moment | None:
    if source.seconds != "":
        return _Duration(expressions.value(source.seconds))
    return None if source.until == "" else _Moment(expressions.value(source.until))


kind = WaitKind()
