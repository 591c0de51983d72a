"""What a tool is told of a call by a node, whichever kind the node is of."""

from domain.ports.nodes import NodeContext
from domain.ports.tools import ToolContext


def called_by(context: NodeContext) -> ToolContext:
    return ToolContext(
        context.tenant,
        context.idempotency_key(),
        context.run,
        context.activation,
        context.deadline_seconds,
        context.acting,
        context.workflow,
        context.permissions,
        tell=context.tell,
        thread=context.thread,
        capture=context.capture,
    )
