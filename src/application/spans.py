"""Spans of a run: the whole of it, its wait in the queue, each attempt at a node. They begin where rows say, not where a process did."""

from application.attempts import Attempt
from application.drive import Drive
from domain.errors import WeftError
from domain.ports.nodes import Park
from domain.ports.traces import HERE, Attribute, Span, SpanKind, Traces
from domain.run.run import Run
from domain.run.state import Activation
from domain.tracing import TraceContext, of_run, read_traceparent


def trace_of(run: Run) -> TraceContext:
    return of_run(run.id, run.trace)


def enter(drive: Drive, activation: Activation) -> None:
    """From here on the task is inside an attempt."""
    HERE.set(_of_attempt(trace_of(drive.run), activation, activation.attempt))


def run_claimed(traces: Traces, run: Run, now: float) -> None:
    """For the first time: how long it stood in the line."""
    if traces.is_on:
        since, at = run.due_at or run.created_at, trace_of(run)
        began = min(since.timestamp(), now)
        traces.add(Span("queue", at.below("queue"), at.span, began, now, SpanKind.CONSUMER, _about(run)))


def run_ended(traces: Traces, run: Run) -> None:
    if not traces.is_on or run.ended_at is None:
        return
    request, at = read_traceparent(run.trace), trace_of(run)
    about = {**_about(run), "weft.run.status": run.status.value, "weft.run.steps": run.steps}
    error = "" if run.failure is None else run.failure.code
    parent, began, ended = "" if request is None else request.span, run.created_at.timestamp(), run.ended_at.timestamp()
    traces.add(Span(f"run {run.workflow.partition('@')[0]}", at, parent, began, ended, SpanKind.INTERNAL, about, error))


def attempt_ended(drive: Drive, attempt: Attempt, number: int) -> None:
    """The meter counts it. Of one that only went to sleep there is no span: it comes back."""
    activation, tools = attempt.activation, drive.tools
    kind = activation.frame.graph.nodes[activation.index].kind
    error = attempt.outcome.code if isinstance(attempt.outcome, WeftError) else ""
    tools.meter.node_ended(kind, attempt.seconds, failed=bool(error))
    if not tools.traces.is_on or isinstance(attempt.outcome, Park):
        return
    run, now = trace_of(drive.run), drive.now()
    about: dict[str, Attribute] = {
        "weft.run.id": drive.run.id,
        "weft.activation": activation.path,
        "weft.node.kind": kind,
        "weft.attempt": number,
    }
    above = activation.frame.parent
    parent = run if above is None else _of_attempt(run, above, above.attempt)
    at = _of_attempt(run, activation, number)
    tools.traces.add(Span(f"node {activation.node}", at, parent.span, now - attempt.seconds, now, SpanKind.INTERNAL, about, error))


def _of_attempt(run: TraceContext, activation: Activation, number: int) -> TraceContext:
    return run.below(f"{activation.path}/{number}")


def _about(run: Run) -> dict[str, str | int]:
    return {"weft.run.id": run.id, "weft.thread.id": run.thread, "weft.tenant": run.tenant, "gen_ai.workflow.name": run.workflow}
