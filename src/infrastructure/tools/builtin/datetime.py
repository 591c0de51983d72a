"""`datetime`: the time in a zone, and sums with times.

Days and longer are counted on the calendar of the zone, hours and shorter as they pass.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final, cast

from domain.errors import ToolError
from domain.json import Json, JsonObject
from domain.ports.clock import Clock
from domain.ports.tools import ToolContext
from domain.tool import Tool, ToolMetadata, ToolType
from infrastructure.tools.builtin.times import added, moment, strict_format, written, zone_named
from infrastructure.tools.runnable import RunnableTool
from infrastructure.tools.threads import in_a_spare_thread

_UNITS: Final = ("years", "months", "weeks", "days", "hours", "minutes", "seconds")
_TIME: Final[JsonObject] = {"type": "string", "maxLength": 100, "description": "ISO 8601; without an offset it is in `timezone`."}
TOOL: Final = Tool(
    name="datetime",
    tool_type=ToolType.BUILTIN,
    metadata=ToolMetadata("The time now in a time zone; parses, shifts, compares and formats times.", tags=("time",)),
    parameters={
        "type": "object",
        "properties": {
            "operation": {"enum": ["now", "parse", "add", "difference", "format"]},
            "timezone": {"type": "string", "maxLength": 100, "default": "UTC", "description": "IANA name, for example `Europe/Berlin`."},
            "time": _TIME,
            "until": {**_TIME, "description": "For `difference`: the later time."},
            "format": {
                "type": "string",
                "minLength": 1,
                "maxLength": 100,
                "description": "strftime; for `format`, and for `parse` of what is not ISO 8601.",
            },
            "duration": {
                "type": "object",
                "properties": {unit: {"type": "number", "minimum": -1e9, "maximum": 1e9} for unit in _UNITS}
                | {unit: {"type": "integer", "minimum": -1_000_000, "maximum": 1_000_000} for unit in _UNITS[:4]},
                "minProperties": 1,
                "additionalProperties": False,
                "description": "For `add`; negative numbers go back.",
            },
        },
        "required": ["operation"],
        "additionalProperties": False,
        "allOf": [
            {"if": {"properties": {"operation": {"const": operation}}}, "then": {"required": list(needed)}}
            for operation, needed in {
                "parse": ("time",),
                "add": ("time", "duration"),
                "difference": ("time", "until"),
                "format": ("time", "format"),
            }.items()
        ],
    },
    returns={
        "type": "object",
        "properties": {
            "time": {"type": "string"},
            "timezone": {"type": "string"},
            "weekday": {"type": "string"},
            "unix": {"type": "number", "description": "Seconds since 1970 began in UTC."},
            "seconds": {"type": "number", "description": "Of a difference; negative when `until` is earlier."},
            "text": {"type": "string"},
        },
        "additionalProperties": False,
    },
    examples=(
        {
            "arguments": {"operation": "difference", "time": "2026-03-01T12:00:00Z", "until": "2026-03-02T12:00:01Z"},
            "output": {"seconds": 86401.0, "text": "1 day, 0:00:01"},
        },
        {
            "arguments": {"operation": "format", "time": "2026-03-01T12:00:00Z", "timezone": "Asia/Tokyo", "format": "%d.%m.%Y %H:%M"},
            "output": {"text": "01.03.2026 21:00"},
        },
    ),
)


def _now(clock: Clock, arguments: Mapping[str, str]) -> Json:
    zone = zone_named(arguments.get("timezone", "UTC"))
    return written(clock.now().astimezone(zone), zone)


def _parse(arguments: Mapping[str, str]) -> Json:
    zone = zone_named(arguments.get("timezone", "UTC"))
    return written(moment(arguments["time"], zone, arguments.get("format")), zone)


def _add(arguments: Mapping[str, str]) -> Json:
    zone = zone_named(arguments.get("timezone", "UTC"))
    amounts = cast(Mapping[str, float], arguments["duration"])
    return written(added(moment(arguments["time"], zone), amounts), zone)


def _difference(arguments: Mapping[str, str]) -> Json:
    zone = zone_named(arguments.get("timezone", "UTC"))
    # Two times of one zone would be subtracted by the clock on the wall: in UTC it is the time that passes.
    passed: timedelta = _utc(moment(arguments["until"], zone)) - _utc(moment(arguments["time"], zone))
    return {"seconds": passed.total_seconds(), "text": f"-{-passed}" if passed < timedelta() else str(passed)}


def _utc(time: datetime) -> datetime:
    return time.astimezone(zone_named("UTC"))


def _format(arguments: Mapping[str, str]) -> Json:
    zone = zone_named(arguments.get("timezone", "UTC"))
    return {"text": moment(arguments["time"], zone).strftime(strict_format(arguments["format"]))}


def datetime_tool(clock: Clock) -> RunnableTool:
    operations: Mapping[str, Callable[[Mapping[str, str]], Json]] = {
        "now": partial(_now, clock),
        "parse": _parse,
        "add": _add,
        "difference": _difference,
        "format": _format,
    }

    def run(arguments: Mapping[str, Json], context: ToolContext) -> Json:
        try:
            return operations[str(arguments["operation"])](cast(Mapping[str, str], arguments))
        except OverflowError:
            raise ToolError("the time would lie outside the years 1 to 9999", "out_of_range") from None

    return RunnableTool(TOOL, in_a_spare_thread(run))
