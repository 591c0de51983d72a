"""The four tools for runs that take longer than a call, or need somebody: start one, look at it, answer it, cancel it."""

from typing import Annotated, Any, Final

from mcp_types import Tool, ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from interface.mcp.naming import ANSWER_RUN, CANCEL_RUN, GET_RUN, START_RUN

RunId = Annotated[str, Field(max_length=64, description="As `run_id` of an earlier answer.")]


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StartArguments(_Arguments):
    workflow: Annotated[str, Field(max_length=301, description="A published workflow: `name`, or `name@version`.")]
    input: Annotated[dict[str, JsonValue], Field(description="What the workflow takes, as its own tool says.")] = {}


class GetArguments(_Arguments):
    run_id: RunId
    wait_seconds: Annotated[float, Field(ge=0, le=3600, description="Wait so long for it to end or to need somebody.")] = 0.0


class AnswerArguments(_Arguments):
    run_id: RunId
    answer: Annotated[JsonValue, Field(description="What the person said; it fits the `schema` of the question.")]
    activation: Annotated[str | None, Field(max_length=2000, description="Which question, where the run asks several.")] = None


class CancelArguments(_Arguments):
    run_id: RunId
    reason: Annotated[str, Field(max_length=2000)] = ""


STANDING: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "run_id": {"type": "string"},
        "status": {"enum": ["queued", "running", "parked", "completed", "failed", "cancelled"]},
        "output": {"description": "When it is completed."},
        "error": {"type": "object", "description": "When it failed: code, message, node."},
        "waiting_for": {"type": "array", "description": "When it is parked: kind, activation and, of a question, show and schema."},
        "next": {"type": "string", "description": "What can be done next."},
    },
    "required": ["run_id", "status"],
}


def _tool(name: str, title: str, description: str, arguments: type[_Arguments], hints: ToolAnnotations) -> Tool:
    return Tool(
        name=name,
        title=title,
        description=description,
        input_schema=arguments.model_json_schema(),
        output_schema=STANDING,
        annotations=hints,
    )


TOOLS: Final = (
    _tool(
        START_RUN,
        "Start a run",
        "Start a run of a workflow and return its run_id at once. For work that takes minutes; the run goes on when you are gone.",
        StartArguments,
        ToolAnnotations(),
    ),
    _tool(
        GET_RUN,
        "Look at a run",
        "How a run stands: its output, its error, or the question that it asks. With wait_seconds it waits for the run first.",
        GetArguments,
        ToolAnnotations(read_only_hint=True),
    ),
    _tool(
        ANSWER_RUN,
        "Answer a run's question",
        "Give a person's answer to the question a parked run asks, and wait for what comes of it. Ask the person; do not answer for them.",
        AnswerArguments,
        ToolAnnotations(),
    ),
    _tool(
        CANCEL_RUN,
        "Cancel a run",
        "Ask for a run to be stopped. One that has ended stays as it ended.",
        CancelArguments,
        ToolAnnotations(destructive_hint=True, idempotent_hint=True),
    ),
)
