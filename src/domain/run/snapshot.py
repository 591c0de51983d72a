"""A thread's folded state as plain JSON and back, so that loading need not fold from the first row. Round trip: `load(dump(x))`
continues exactly as `x`."""

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from domain.errors import Failure
from domain.graph.compiled import CompiledGraph, bits
from domain.graph.definition import Limits
from domain.ids import ROOT, ActivationPath, ContentHash, FramePath, NodeId, NodeIndex, Position
from domain.json import Json
from domain.question import Answer
from domain.run import undoing_snapshot
from domain.run.events import EffectResolved, FramesOpened, RunStarted
from domain.run.fold import resume
from domain.run.state import Activation, Children, Frame, Intent, Kept, RunState, Signal, Token

Plain = dict[str, Any]
"""JSON of our own making; its shape is known to this file alone."""
_STARTED = ("run", "workflow", "input", "at", "mode", "versions", "rules", "pause_before", "pause_after")


def dump(run: RunState) -> Plain:
    return {
        "started": _started(run.started),
        "position": run.position,
        "steps": run.steps,
        "cancelling": run.is_cancelling,
        "failure": _failure(run.failure),
        "root": _frame(run.root),
        "frames": list(run.frames),
        "active": list(run.active),
        "paused": run.is_paused,
        "forgiven": run.forgiven,
        "signal_keys": sorted(run.signal_keys),
        "alerts": [[*account, *told] for account, told in run.alerts.items()],
        "kept": [_signal(signal) for signal in run.kept],
        "listening": list(run.listening),
        "stopped": sorted(run.stopped),
        "stopped_at": run.stopped_at,
        "renamed": run.renamed,
        "undo": undoing_snapshot.dump(run, _frame),
    }


def load(plain: Plain, graph: CompiledGraph, graphs: Mapping[ContentHash, CompiledGraph]) -> RunState:
    """`graph`: of the run's workflow; `graphs`: of every version it may meet."""
    started = _as_started(plain["started"])
    root = Frame(ROOT, graph, plain["root"]["input"], plain["root"]["state"])
    run = RunState(started, root, graphs, position=Position(plain["position"]), steps=plain["steps"], is_cancelling=plain["cancelling"])
    run.failure = _as_failure(plain["failure"])
    _fill(run, root, plain["root"])
    undoing_snapshot.load(run, plain.get("undo", {}), _fill)
    run.frames = {path: run.frames[path] for path in plain["frames"]}
    run.active = {path: run.active[path] for path in plain["active"]}
    run.is_paused, run.forgiven = plain.get("paused", False), plain.get("forgiven", 0.0)
    run.signal_keys = set(plain.get("signal_keys", ()))
    run.alerts = {(budget, subject, period): (limit, percent) for budget, subject, period, limit, percent in plain.get("alerts", ())}
    run.kept = [Signal(*signal) for signal in plain.get("kept", ())]
    run.listening = {path: run.active[path] for path in plain.get("listening", ())}
    run.stopped, run.stopped_at = set(plain.get("stopped", ())), plain.get("stopped_at")
    run.renamed = dict(plain.get("renamed", {}))
    return resume(run)


def _started(started: RunStarted) -> Plain:
    plain = {name: getattr(started, name) for name in _STARTED}
    limits = asdict(started.limits)
    if limits["cost_usd"] is not None:
        limits["cost_usd"] = str(limits["cost_usd"])
    return {**plain, "limits": limits}


def _as_started(plain: Plain) -> RunStarted:
    stops = {name: tuple(plain.get(name, ())) for name in ("pause_before", "pause_after")}
    return RunStarted(**{**plain, **stops, "limits": _limits(plain["limits"])})


def _limits(plain: Plain) -> Limits:
    cost = plain["cost_usd"]
    return Limits(**{**plain, "cost_usd": None if cost is None else Decimal(cost)})


def _failure(failure: Failure | None) -> Plain | None:
    return None if failure is None else asdict(failure)


def _as_failure(plain: Plain | None) -> Failure | None:
    return None if plain is None else Failure(**plain)


def _signal(signal: Signal) -> list[Json]:
    return [signal.name, signal.payload]


def _answer(answer: Answer) -> list[object]:
    return [answer.value, answer.by, answer.about]


def _frame(frame: Frame) -> Plain:
    return {
        "input": frame.input,
        "state": frame.state,
        "tokens": [[node, [_token(token) for token in held]] for node, held in frame.tokens.items()],
        "pending": list(bits(frame.pending)),
        "running": [_activation(a) for held in frame.running.values() for a in held],
        "visits": [[node, count] for node, count in frame.visits.items()],
        "spent": list(bits(frame.spent)),
        "fired": list(bits(frame.fired)),
        "reached_end": frame.reached_end,
        "changed": {name: list(mark) for name, mark in frame.changed.items()},
        "begun": frame.begun,
        "done": frame.is_done,
        "failure": _failure(frame.failure),
        "output": frame.output,
        "has_output": frame.has_output,
    }


def _token(token: Token) -> list[object]:
    return [token.source, token.at, _failure(token.failure), token.kept]


def _as_token(plain: list[Any]) -> Token:
    return Token(plain[0], Position(plain[1]), _as_failure(plain[2]), plain[3])


def _activation(activation: Activation) -> Plain:
    children = activation.children
    return {
        "index": activation.index,
        "visit": activation.visit,
        "read_at": activation.read_at,
        "state": None if activation.state is activation.frame.state else activation.state,
        "consumed": [_token(token) for token in activation.consumed],
        "attempt": activation.attempt,
        "retry_at": activation.retry_at,
        "parked_for": activation.parked_for,
        "parked_until": activation.parked_until,
        "parked_output": activation.parked_output,
        "signals": list(activation.signals),
        "woken_by": None if activation.woken_by is None else _signal(activation.woken_by),
        "about": activation.about,
        "asked_at": activation.asked_at,
        "answer": None if activation.answer is None else _answer(activation.answer),
        "intent": None if activation.intent is None else _intent(activation.intent),
        "effects": [[number, asdict(kept)] for number, kept in activation.effects.items()],
        "children": None if children is None else _children(children),
    }


def _intent(intent: Intent) -> Plain:
    plain = {name: getattr(intent, name) for name in ("effect", "key", "tool", "arguments", "at", "unknown", "since", "digest")}
    return {**plain, "resolved": None if intent.resolved is None else asdict(intent.resolved)}


def _as_intent(plain: Plain) -> Intent:
    resolved = plain["resolved"]
    return Intent(**{**plain, "at": Position(plain["at"]), "resolved": None if resolved is None else EffectResolved(**resolved)})


def _as_kept(plain: Plain) -> Kept:
    return Kept(**{**plain, "failure": _as_failure(plain["failure"])})


def _children(children: Children) -> Plain:
    return {
        "opened": asdict(children.opened),
        "next": children.next,
        "live": [[frame.item, _frame(frame)] for frame in children.live.values()],
        "results": [[item, result] for item, result in children.results.items()],
        "failure": _failure(children.failure),
    }


def _fill(run: RunState, frame: Frame, plain: Plain) -> None:
    run.frames[frame.path] = frame
    frame.tokens = {NodeIndex(node): [_as_token(token) for token in held] for node, held in plain["tokens"]}
    frame.pending = sum(1 << node for node in plain["pending"])
    frame.visits = {NodeIndex(node): count for node, count in plain["visits"]}
    frame.spent = sum(1 << node for node in plain["spent"])
    frame.fired = sum(1 << node for node in plain["fired"])
    frame.reached_end, frame.begun, frame.is_done = plain["reached_end"], plain["begun"], plain["done"]
    frame.changed = {name: (Position(at), NodeId(node)) for name, (at, node) in plain["changed"].items()}
    frame.failure, frame.output, frame.has_output = _as_failure(plain["failure"]), plain["output"], plain["has_output"]
    for written in plain["running"]:
        _add_activation(run, frame, written)


def _add_activation(run: RunState, frame: Frame, plain: Plain) -> None:
    index = NodeIndex(plain["index"])
    path = ActivationPath(f"{frame.path}/{frame.graph.nodes[index].id}#{plain['visit']}")
    state = frame.state if plain["state"] is None else plain["state"]
    consumed = tuple(_as_token(token) for token in plain["consumed"])
    activation = Activation(path, frame, index, plain["visit"], Position(plain["read_at"]), state, consumed, plain["attempt"])
    activation.retry_at, activation.parked_for = plain["retry_at"], plain["parked_for"]
    activation.parked_until, activation.parked_output = plain["parked_until"], plain["parked_output"]
    activation.signals = tuple(plain.get("signals", ()))
    activation.intent = None if plain.get("intent") is None else _as_intent(plain["intent"])
    activation.effects = {number: _as_kept(kept) for number, kept in plain.get("effects", ())}
    activation.woken_by = None if plain.get("woken_by") is None else Signal(*plain["woken_by"])
    activation.about, activation.asked_at = plain.get("about"), Position(plain.get("asked_at", 0))
    activation.answer = None if plain.get("answer") is None else Answer(*plain["answer"])
    frame.running.setdefault(index, []).append(activation)
    frame.active |= frame.graph.bit[index]
    run.active[path] = activation
    if plain["children"] is not None:
        _add_children(run, activation, plain["children"])


def _add_children(run: RunState, parent: Activation, plain: Plain) -> None:
    opened = FramesOpened(**{**plain["opened"], "inputs": tuple(plain["opened"]["inputs"]), "items": tuple(plain["opened"]["items"])})
    graph = parent.frame.graph.inner[parent.index] if opened.graph is None else run.graphs[opened.graph]
    parent.children = children = Children(opened, graph, plain["next"])
    children.results = dict(plain["results"])
    children.failure = _as_failure(plain["failure"])
    for item, written in plain["live"]:
        path = FramePath(f"{parent.path}[{item}]")
        frame = Frame(path, graph, written["input"], written["state"], parent, item, opened=opened)
        children.live[path] = frame
        _fill(run, frame, written)
