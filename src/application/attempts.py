"""One attempt at one activation: run its executor within its timeout, and say what came of it. Never raises but for cancellation."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast

import structlog

from domain.errors import NodeExecutionError, NodeTimeout, WeftError
from domain.ports.clock import Clock
from domain.ports.expressions import Scope
from domain.ports.nodes import Executor, NodeContext, Outcome
from domain.run.state import Activation
from domain.usage import Usage

log = structlog.get_logger("application.engine")


@dataclass(slots=True)
class Attempt:
    """What an attempt came to. `outcome` is an error when it failed. `usage` is set for a failed one that used tokens all the same.
    `woken`: the node slept, and reads the state anew."""

    activation: Activation
    outcome: Outcome | WeftError
    seconds: float = 0.0
    usage: Usage | None = None
    woken: bool = False
    scope: Scope | None = None
    """What its expressions name, where that was put together for it."""


def foretold(activation: Activation, reserve: Callable[[NodeContext], Usage], context: NodeContext) -> Usage | WeftError:
    """What a call will use at most, or why there will be none."""
    try:
        return reserve(context)
    except (Exception, SystemExit) as error:
        return known(error, activation)


def asked(activation: Activation, asks: Callable[[NodeContext], Outcome | None], context: NodeContext) -> Attempt | None:
    """What becomes of an activation that asks somebody before it runs; None: nobody is to be asked."""
    try:
        outcome: Outcome | WeftError | None = asks(context)
    except (Exception, SystemExit) as error:
        outcome = known(error, activation)
    return None if outcome is None else Attempt(activation, outcome, scope=context.scope)


def at_once(activation: Activation, executor: Executor, context: NodeContext, clock: Clock) -> Attempt:
    """For executors that only compute."""
    began = clock.monotonic()
    try:
        outcome: Outcome | WeftError = cast(Outcome, executor.run(context))
    except (Exception, asyncio.CancelledError, SystemExit) as error:
        outcome = known(error, activation)
    return Attempt(activation, outcome, clock.monotonic() - began, scope=context.scope)


async def in_its_time(
    activation: Activation, executor: Executor, context: NodeContext, clock: Clock, late: Callable[[Usage], None]
) -> Attempt:
    """For executors that wait. `late` is told what a cancelled call used."""
    began = clock.monotonic()
    usage: Usage | None = None
    outcome: Outcome | WeftError
    limit = asyncio.timeout(context.deadline_seconds)
    try:
        async with limit:
            outcome = await cast(Awaitable[Outcome], executor.run(context))
    except asyncio.CancelledError as error:
        usage = usage_of(error)
        if _is_told_to_stop():
            if usage is not None:
                late(usage)
            raise
        outcome = known(error, activation)
    except TimeoutError as error:
        usage = usage_of(error) or usage_of(error.__cause__)
        outcome = NodeTimeout(f"no answer within {context.deadline_seconds} s") if limit.expired() else known(error, activation)
    except (Exception, SystemExit) as error:
        usage = usage_of(error)
        outcome = known(error, activation)
    return Attempt(activation, outcome, clock.monotonic() - began, usage, scope=context.scope)


def _is_told_to_stop() -> bool:
    """Tells our own cancellation from a node that lets one of its own inner tasks' escape: the latter is a failure like any other."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def usage_of(error: BaseException | None) -> Usage | None:
    """Tokens that a failed call used all the same; adapters leave them on the error."""
    usage = getattr(error, "usage", None)
    return usage if isinstance(usage, Usage) else None


def known(error: BaseException, activation: Activation) -> WeftError:
    """A node may raise anything; what is not ours is logged whole and journaled as a sentence."""
    if isinstance(error, WeftError):
        return error
    log.error("node raised", node=activation.node, activation=activation.path, exc_info=error)
    return NodeExecutionError(f"{type(error).__name__}: {error}"[:500])
