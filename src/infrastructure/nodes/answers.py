"""Structured answers: JSON in a model's text, checked against what was asked for."""

import json
import re
from typing import Final, NoReturn

from domain.errors import ExpressionError, NodeExecutionError
from domain.json import Json
from domain.model import ModelResponse
from domain.ports.schemas import Schema
from infrastructure.json_bounds import weigh
from infrastructure.models.texts import shortest_json

INVALID_OUTPUT: Final = "invalid_output"
LONGEST_SHOWN: Final = 2_000
"""Characters of an answer that an error's sentence keeps."""
_FENCE: Final = re.compile(r"\A\s*```[a-zA-Z]*\n(.*?)\n?```\s*\Z", re.DOTALL)
_SHOWN: Final = 5


class Unfit(NodeExecutionError):
    """The model answered, but not what was asked for; another try may. `why`: what is wrong, for the model; the message has its answer,
    too. `may_be_mended`: the model may do better when it is told."""

    anew = True  # another attempt of the node asks again: what it heard so far is no use

    def __init__(self, why: str, response: ModelResponse, code: str = INVALID_OUTPUT, *, may_be_mended: bool = True) -> None:
        super().__init__(f"{why}. It answered: {_shown(answer_of(response))}", code, retryable=True)
        self.why, self.response, self.may_be_mended = why, response, may_be_mended


def answer_of(response: ModelResponse) -> str:
    """What the model said, or which calls it asked for."""
    calls: Json = [{"name": call.name, "arguments": call.arguments} for call in response.tool_calls]
    return f"{response.text} {shortest_json(calls)}".strip() if calls else response.text


def _shown(answer: str) -> str:
    if not answer:
        return "nothing"
    return answer if len(answer) <= LONGEST_SHOWN else f"{answer[:LONGEST_SHOWN]} ... ({len(answer):,} characters)"


def parse_answer(response: ModelResponse, schema: Schema) -> Json:
    """The JSON in the answer (in a Markdown fence or bare). `Unfit` names what is wrong with it."""
    value = response.json if response.json is not None else _parsed(response)
    problems = () if schema.accepts(value) else schema.problems(value)
    if problems:
        shown = "; ".join(f"{problem.pointer or 'the answer'}: {problem.message}" for problem in problems[:_SHOWN])
        raise Unfit(f"the model's answer does not fit `response_schema`: {shown}", response)
    return value


def _parsed(response: ModelResponse) -> Json:
    fenced = _FENCE.match(response.text)
    try:
        value: Json = json.loads(fenced.group(1) if fenced else response.text, parse_constant=_no_constant)
        weigh(value)
    except (ValueError, RecursionError, ExpressionError) as error:
        raise Unfit(f"the model's answer is not JSON: {error}", response) from None
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
