"""`json_query`: a JMESPath expression over given JSON, stopped when it multiplies what it was given."""

from collections.abc import Mapping
from threading import Lock
from typing import Final

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.visitor import TreeInterpreter

from domain.errors import ExpressionError, ToolError
from domain.json import Json
from domain.ports.tools import ToolContext
from domain.tool import Tool, ToolMetadata, ToolType
from infrastructure.json_bounds import ELEMENT, MAX_WEIGHT, weigh
from infrastructure.tools.runnable import RunnableTool
from infrastructure.tools.threads import in_a_spare_thread

MAX_LENGTH: Final = 1_000
MAX_STEPS: Final = 500_000
_BUILDS: Final = frozenset({"multi_select_list", "multi_select_dict"})
_COMPILING = Lock()
"""jmespath keeps compiled expressions in one table and clears it without care for other threads."""

TOOL: Final = Tool(
    name="json_query",
    tool_type=ToolType.BUILTIN,
    metadata=ToolMetadata("Picks, filters and reshapes JSON with a JMESPath expression.", tags=("json",)),
    parameters={
        "type": "object",
        "properties": {
            "data": {"description": "Any JSON value."},
            "query": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_LENGTH,
                "description": "JMESPath, for example `items[?price > `10`].name`.",
            },
        },
        "required": ["data", "query"],
        "additionalProperties": False,
    },
    returns={
        "type": "object",
        "properties": {"result": {"description": "What the query found; null when there is nothing."}},
        "required": ["result"],
        "additionalProperties": False,
    },
    examples=(
        {
            "arguments": {
                "data": {"items": [{"name": "pen", "price": 2}, {"name": "desk", "price": 90}]},
                "query": "items[?price > `10`].name",
            },
            "output": {"result": ["desk"]},
        },
    ),
)


class _BoundedInterpreter(TreeInterpreter):  # type: ignore[misc]  # jmespath has no types
    """Counts every step and weighs what is built: `[@, @] | [@, @] | ...` doubles a value with every eight characters."""

    def __init__(self) -> None:
        super().__init__()
        self._steps = MAX_STEPS
        self._weight = MAX_WEIGHT

    def visit(self, node: dict[str, Json], *args: object, **kwargs: object) -> Json:
        result: Json = super().visit(node, *args, **kwargs)
        self._steps -= 1
        if self._steps < 0:
            raise ToolError(f"the query takes more than {MAX_STEPS:,} steps", "query_too_big")
        if node["type"] in _BUILDS:
            self._weight -= weigh(result, max(self._weight, ELEMENT))
        elif isinstance(result, str | list | dict) and node["type"] not in ("current", "identity", "field", "literal"):
            self._weight -= len(result)
        if self._weight < 0:
            raise ToolError("the query builds too much", "query_too_big")
        return result


def query(arguments: Mapping[str, Json], context: ToolContext) -> Json:
    """The steps are counted, so this ends: within a second for the largest of queries over the largest of data."""
    return {"result": search(str(arguments["query"]), arguments["data"])}


def search(written: str, data: Json) -> Json:
    """What a JMESPath expression finds; `ToolError` when it is none, or builds too much."""
    try:
        return _BoundedInterpreter().visit(parsed(written), data)
    except ExpressionError as error:
        raise ToolError(f"the query {written[:80]!r} builds too much: {error.message}", "query_too_big") from None
    except (JMESPathError, ValueError) as error:
        raise ToolError(f"the query {written[:80]!r} cannot be answered: {error}", "invalid_query") from None
    except RecursionError:
        raise ToolError("the query is nested too deeply", "invalid_query") from None


def parsed(written: str) -> dict[str, Json]:
    """`JMESPathError` when it is no expression."""
    with _COMPILING:
        found: dict[str, Json] = jmespath.compile(written).parsed
    return found


def json_query() -> RunnableTool:
    return RunnableTool(TOOL, in_a_spare_thread(query))
