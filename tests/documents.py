"""Graph documents for tests, short to write."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from domain.errors import FactoryError, ToolNotFound
from domain.model import ModelCard, ModelRequest, ModelResponse, OnText
from domain.policy import CALL, Policy, Subject
from domain.ports.nodes import NodeKind, Workshop
from domain.ports.tools import ToolContext
from domain.tool import Tool, ToolExecutionResult, ToolMetadata, ToolType
from domain.usage import Usage
from infrastructure.expressions import CelExpressions
from infrastructure.schemas import JsonSchemas
from infrastructure.templates import JinjaTemplates

Document = dict[str, Any]
KINDS = ("transform", "llm", "tool", "map", "workflow", "wait", "terminate", "human", "agent")


def document(nodes: Mapping[str, Any] | str = "a", edges: Sequence[Any] = ("start > a",), **others: Any) -> Document:
    """`nodes`: in full, or names of transforms. An edge may be drawn: `a > b`, `a > b ? state.x` for a condition, `a ! b` for on_error."""
    full = nodes if isinstance(nodes, Mapping) else {name: {"kind": "transform"} for name in nodes.split()}
    return {"weft": 1, "name": "w", "version": "1.0.0", "nodes": dict(full), "edges": [edge(drawn) for drawn in edges], **others}


def edge(drawn: Any) -> Any:
    if not isinstance(drawn, str):
        return drawn
    path, _, condition = drawn.partition(" ? ")
    source, arrow, target = path.split()
    return {"from": source, "to": target, **({"when": condition} if condition else {}), **({"on_error": True} if arrow == "!" else {})}


class OurKinds:
    """The kinds that ship, without asking what is installed."""

    def get(self, name: str) -> NodeKind:
        if name not in KINDS:
            raise FactoryError(f"there is no node kind `{name}`; there are {', '.join(KINDS)}")
        kind: NodeKind = import_module(f"infrastructure.nodes.{name}").kind
        return kind

    def all(self) -> Mapping[str, NodeKind]:
        return {name: self.get(name) for name in KINDS}


class OneModel:
    def at_most(self, request: ModelRequest) -> Usage:
        raise AssertionError("validation must not ask what a call costs")

    def known(self, name: str) -> bool:
        return name == "fast"

    async def survey(self) -> Sequence[ModelCard]:
        return self.cards()

    def cards(self) -> Sequence[ModelCard]:
        return [ModelCard("fast", "scripted/echo", "scripted")]

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        raise AssertionError("validation must not call a model")


class OneTool:
    def must_be_allowed(self, name: str, context: ToolContext) -> bool:
        decision = Policy().decide(Subject(context.tenant, acting=context.acting, permissions=context.permissions), CALL, name)
        decision.must_not_deny("call", name)
        return True

    def get(self, name: str) -> Tool:
        if name != "lookup":
            raise ToolNotFound(f"there is no tool `{name}`; there are lookup")
        return Tool("lookup", ToolType.BUILTIN, {"type": "object"}, ToolMetadata("Looks up."))

    def list(self) -> Sequence[Tool]:
        return [self.get("lookup")]

    async def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> ToolExecutionResult:
        raise AssertionError("validation must not call a tool")


def workshop() -> Workshop:
    return Workshop(CelExpressions(), JinjaTemplates(), JsonSchemas(), OneModel(), OneTool())


TRIAGE: Document = {
    "weft": 1,
    "name": "support-triage",
    "version": "1.2.0",
    "description": "Sorts a ticket and answers it.",
    "tags": ["support"],
    "state": {
        "ticket": {"type": "string"},
        "label": {"type": "string", "enum": ["billing", "bug", "other"]},
        "notes": {"type": "array", "merge": "append", "default": []},
        "reply": {"type": "string", "on_conflict": "last"},
    },
    "input": {"type": "object", "properties": {"ticket": {"type": "string"}}, "required": ["ticket"]},
    "output": {"reply": "${state.reply}"},
    "nodes": {
        "classify": {"kind": "llm", "model": "fast", "prompt": "Which? {{ state.ticket }}", "writes": {"label": "${output.text}"}},
        "look_up": {
            "kind": "tool",
            "tool": "lookup",
            "arguments": {"query": "${state.ticket}"},
            "writes": {"notes": "${output}"},
            "retry": {"attempts": 3, "codes": ["tool_failed"]},
            "timeout_seconds": 5,
            "position": {"x": 1.5, "y": -2},
        },
        "answer": {"kind": "llm", "model": "fast", "prompt": "Answer {{ state.ticket }}", "writes": {"reply": "${output.text}"}},
        "sorry": {"kind": "transform", "writes": {"reply": "${'sorry: ' + error.message}"}, "join": "any"},
        "each": {
            "kind": "map",
            "over": "${state.notes}",
            "concurrency": 3,
            "input": {"note": "${item}", "n": "${index}"},
            "graph": {
                "state": {"note": {}},
                "nodes": {"one": {"kind": "transform", "writes": {"note": "${input.note}"}, "position": {"x": 0, "y": 0}}},
                "edges": [{"from": "start", "to": "one"}],
            },
        },
    },
    "edges": [
        {"from": "start", "to": "classify"},
        {
            "from": "classify",
            "route": [{"when": "state.label == 'bug'", "to": "look_up"}, {"when": "state.label == 'billing'", "to": "answer"}],
            "otherwise": "answer",
        },
        {"id": "found", "from": "look_up", "to": "answer"},
        {"from": "look_up", "to": "sorry", "on_error": ["tool_failed", "timeout"]},
        {"from": "answer", "to": "${size(state.notes) > 0 ? 'each' : 'end'}", "targets": ["each", "end"]},
        {"from": "each", "to": "end", "when": "size(output) >= 0"},
    ],
    "limits": {"steps": 200, "seconds": 600, "cost_usd": "0.50"},
    "metadata": {"owner": "us"},
}
"""Uses every part of the format, and nothing is wrong with it."""
