"""Structured answers: JSON in a model's text, checked against what was asked for."""

import json
import re
from typing import Final, NoReturn

from domain.errors import ExpressionError, NodeExecutionError
from domain.json import Json
from domain.model import ModelResponse
from domain.ports.schemas import Schema
from domain.usage import Usage
from infrastructure.json_bounds import weigh

_FENCE: Final = re.compile(r"\A\s*```[a-zA-Z]*\n(.*?)\n?```\s*\Z", re.DOTALL)
_SHOWN: Final = 5


class InvalidOutput(NodeExecutionError):
    """The model answered, but not what was asked for; another try may. `usage` is what the call cost all the same."""

    code = "invalid_output"

    def __init__(self, message: str, usage: Usage) -> None:
        super().__init__(message, retryable=True)
        self.usage = usage


def parse_answer(response: ModelResponse, schema: Schema) -> Json:
    """The JSON in the answer (in a Markdown fence or bare). `InvalidOutput` names what is wrong with it."""
    value = response.json if response.json is not None else _parsed(response)
    problems = () if schema.accepts(value) else schema.problems(value)
    if problems:
        shown = "; ".join(f"{problem.pointer or 'the answer'}: {problem.message}" for problem in problems[:_SHOWN])
        raise InvalidOutput(f"the model's answer does not fit `response_schema`: {shown}", response.usage)
    return value


def _parsed(response: ModelResponse) -> Json:
    fenced = _FENCE.match(response.text)
    try:
        value: Json = json.loads(fenced.group(1) if fenced else response.text, parse_constant=_no_constant)
        weigh(value)
    except (ValueError, RecursionError, ExpressionError) as error:
        raise InvalidOutput(f"the model's answer is not JSON: {error}", response.usage) from None
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
