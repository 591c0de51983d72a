"""From what a node did to the row that says so. Pure: looks at the run and its program, changes neither."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from application.programs import NodeProgram, Program
from domain.change import escaped
from domain.conversation import named
from domain.errors import ConcurrentWrite, Failure, LimitReached, NodeExecutionError, WeftError, failure_of
from domain.graph.definition import Merge, RetryRule
from domain.ids import ContentHash, NodeId
from domain.json import Json
from domain.ports.expressions import Scope
from domain.ports.nodes import LONGEST_SECONDS, EndFrame, OpenFrames
from domain.run import events
from domain.run.merge import ABSENT, merged
from domain.run.moves import written
from domain.run.state import Activation, Frame, RunState
from domain.sizes import FLAT, MOST_OF_A_STATE, OF_A_MEMBER, check_state, check_value
from domain.usage import Usage

CANCELLED: Final = Failure("cancelled", "the run was cancelled")
"""What a compensation sees as `error` when nothing failed."""


def scope_of(activation: Activation, about: dict[str, Json]) -> dict[str, Json]:
    """What the expressions of an activation may name. `about`: the run itself."""
    frame = activation.frame
    scope: dict[str, Json] = {"state": activation.state, "input": frame.input, "run": about}
    _add_item(scope, frame)
    if activation.undoes is not None:
        done = activation.undoes.done
        scope["undone"] = {"activation": done.activation, "output": done.output, "unknown": done.unknown}
    errors = activation.errors if activation.undoes is None else [activation.undoes.owner.failure or CANCELLED]
    if errors:
        scope["errors"] = [failure.as_json() for failure in errors]
        scope["error"] = errors[0].as_json()
    return scope


def frame_scope(frame: Frame, about: dict[str, Json]) -> dict[str, Json]:
    """What the edges of `start` and the `output` of a graph may name."""
    scope: dict[str, Json] = {"state": frame.state, "input": frame.input, "run": about}
    _add_item(scope, frame)
    return scope


def _add_item(scope: dict[str, Json], frame: Frame) -> None:
    if frame.opened is not None and frame.opened.is_map:
        scope["item"] = frame.opened.items[frame.item]
        scope["index"] = frame.item


def finished(
    activation: Activation, program: Program, scope: dict[str, Json], output: Json, usage: Usage | None, seconds: float
) -> events.NodeFinished:
    """Evaluate what the node writes and which edges it takes. Raises what a failing expression, schema, route or concurrent write
    raises."""
    frame, node = activation.frame, program.nodes[activation.index]
    updates: dict[str, Json] = {}
    if node.writes:
        scope["output"] = output
        for channel, value in node.writes:
            updates[channel] = value(scope)
            if program.rules[channel].channel.merge is Merge.MESSAGES:
                updates[channel] = named(updates[channel], f"{activation.path}@{activation.read_at}")
        _check_updates(activation, program, updates)
    taken = node.always
    if taken is None:
        scope["output"] = output
        scope["state"] = written(frame, updates) if updates else frame.state
        taken = _taken(node, scope)
    kept = None if node.node.compensate is None else output
    if kept is not None:
        check_value(kept, "/output")
    return events.NodeFinished(activation.path, updates, taken, activation.read_at, activation.positions, usage, seconds, kept)


def _check_updates(activation: Activation, program: Program, updates: dict[str, Json]) -> None:
    frame = activation.frame
    for name, update in updates.items():
        rule = program.rules[name]
        whole = merged(rule.channel.merge, frame.state.get(name, ABSENT), update) if rule.merges_first else update
        if rule.schema is not None:
            rule.check(whole if rule.checks_whole else update)
        if rule.channel.merge is Merge.REPLACE:
            changed = frame.changed.get(name)
            if changed is not None and changed[0] > activation.read_at and not rule.channel.last_wins:
                raise ConcurrentWrite(
                    f"{activation.node} and {changed[1]} both replace channel {name}, side by side: "
                    "give it another merge rule, an order by an edge, or on_conflict: last"
                )
        frame.room -= OF_A_MEMBER if type(update) in FLAT else check_value(update, f"/{escaped(name)}") + OF_A_MEMBER
    if frame.room < 0:
        _measure(frame, updates)


def _measure(frame: Frame, updates: dict[str, Json]) -> None:
    """What was written since the state was measured last may have filled it."""
    frame.room = 0
    frame.room = MOST_OF_A_STATE - check_state(written(frame, updates), ", ".join(f"/{escaped(name)}" for name in updates))


def _taken(node: NodeProgram, scope: Scope) -> tuple[NodeId, ...]:
    found: dict[NodeId, None] = {}
    for decide in node.edges:
        for target in decide(scope):
            found[target] = None
    return tuple(found)


def begun(frame: Frame, program: Program, about: dict[str, Json]) -> events.FrameBegun:
    """Where `start` leads in this frame."""
    scope = frame_scope(frame, about)
    found: dict[NodeId, None] = {}
    for decide in program.start:
        found.update(dict.fromkeys(decide(scope)))
    return events.FrameBegun(frame.path, tuple(found))


def opened(run: RunState, activation: Activation, outcome: OpenFrames, child: Program) -> events.FramesOpened:
    """Child frames within the limits of the run, with inputs that their graph accepts."""
    frame, limits = activation.frame, run.limits
    if frame.depth + 1 > limits.depth:
        raise LimitReached(f"{activation.node} would open frames {frame.depth + 1} deep; limits.depth is {limits.depth}", "depth")
    if len(outcome.inputs) > limits.fan_out:
        raise LimitReached(f"{activation.node} would open {len(outcome.inputs)} frames; limits.fan_out is {limits.fan_out}", "fan_out")
    expected = len(outcome.items) if outcome.is_map else 1
    if len(outcome.inputs) != expected:
        raise NodeExecutionError(f"{activation.node} gave {len(outcome.inputs)} inputs, not {expected}: a map has one per item, others one")
    for at, given in enumerate(outcome.inputs):
        _check_input(activation, child, given, at)
    graph: ContentHash | None = child.hash if outcome.workflow else None
    return events.FramesOpened(
        activation=activation.path,
        inputs=tuple(outcome.inputs),
        graph=graph,
        items=tuple(outcome.items),
        concurrency=max(min(outcome.concurrency, limits.concurrency), 1),
        collect_errors=outcome.collect_errors,
        enough=outcome.enough,
        is_map=outcome.is_map,
    )


def _check_input(activation: Activation, child: Program, given: Json, at: int) -> None:
    if not isinstance(given, dict):
        raise NodeExecutionError(f"{activation.node}: input {at} is no object", "invalid_input")
    if child.input_schema is not None and not child.input_schema.accepts(given):
        found = "; ".join(f"{problem.pointer or '/'}: {problem.message}" for problem in child.input_schema.problems(given)[:3])
        raise NodeExecutionError(f"{activation.node}: input {at} does not fit {child.graph.graph.name}: {found}", "invalid_input")
    check_value(given, f"/inputs/{at}")
    for name, rule in child.rules.items():
        if name in given and rule.schema is not None and not rule.schema.accepts(given[name]):
            raise NodeExecutionError(
                f"{activation.node}: input {at} starts channel {name} with a value that its schema refuses", "invalid_input"
            )


def terminated(activation: Activation, outcome: EndFrame) -> events.Terminated:
    check_state(outcome.output, "/output")
    others = tuple(other.path for other in activation.frame.activations() if other is not activation)
    return events.Terminated(activation.path, outcome.completed, outcome.output, others, activation.positions)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`jitter` gives a number from 0 to 1; a wait is between half of the backoff and all of it."""

    jitter: Callable[[], float]

    def retry_at(self, rule: RetryRule, failure: Failure, now: float) -> float | None:
        """When to try again, in seconds since the epoch; None when this was the last attempt."""
        named = failure.code in rule.codes if rule.codes else failure.retryable
        if failure.attempt >= rule.attempts or not named:
            return None
        wait = max(_backoff(rule, failure.attempt) * (0.5 + self.jitter() / 2), failure.retry_after or 0.0)
        return now + min(wait, LONGEST_SECONDS)


class _Never(RetryPolicy):
    def retry_at(self, rule: RetryRule, failure: Failure, now: float) -> float | None:
        return None


NEVER: Final = _Never(float)
"""What happened once is not tried again because nobody could use its answer."""


def _backoff(rule: RetryRule, attempt: int) -> float:
    try:
        return min(rule.first_seconds * rule.factor ** (attempt - 1), rule.max_seconds)
    except OverflowError:
        return rule.max_seconds


def failed(
    activation: Activation, error: WeftError, usage: Usage | None, policy: RetryPolicy, now: float
) -> events.AttemptFailed | events.NodeFailed:
    """Try again later, take the first error edge that matches, or fail the frame."""
    graph = activation.frame.graph
    node = graph.nodes[activation.index]
    failure = failure_of(error, node.id, activation.attempt)
    retry_at = policy.retry_at(node.retry, failure, now)
    if retry_at is not None:
        return events.AttemptFailed(activation.path, failure, retry_at, usage, bool(getattr(error, "anew", False)))
    for edge in graph.error_edges_of[activation.index]:
        if edge.catches(failure.code) and edge.target is not None:
            return events.NodeFailed(activation.path, failure, (edge.target,), (), activation.positions, usage)
    others = tuple(other.path for other in activation.frame.activations() if other is not activation)
    return events.NodeFailed(activation.path, failure, (), others, activation.positions, usage)


def frame_ended(frame: Frame, output: Json = None, failure: Failure | None = None) -> events.FrameEnded:
    """How a child frame came to its end, and what that cuts off in its siblings."""
    assert frame.parent is not None, "only child frames end by a row of their own"
    children = frame.parent.children
    assert children is not None, "frames of a node that has ended are closed"
    is_last = children.ends_with(failed=failure is not None)
    siblings = [one for one in children.live.values() if one is not frame] if is_last else []
    cancelled = tuple(activation.path for one in siblings for activation in one.activations())
    return events.FrameEnded(frame.path, output, failure, cancelled)


def output_of(frame: Frame, program: Program, about: dict[str, Json]) -> Json:
    """What a frame made: the graph's `output`, or its whole state."""
    if program.output is None:
        return dict(frame.state)
    output = program.output(frame_scope(frame, about))
    check_state(output, "/output")
    return output
