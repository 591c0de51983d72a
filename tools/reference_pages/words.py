"""What the keys of documents are for. A key without words, or words without a key, stops the making of the pages."""

from collections.abc import Iterable, Mapping
from typing import Final

from tools.reference_pages.markdown import NoWords

DOCUMENT: Final = {
    "weft": "the version of the format",
    "name": "what it is published and started as",
    "version": "semantic version; what was published under one never changes",
    "description": "for people",
    "tags": "for people",
    "metadata": "for programs of yours; kept as it is",
    "state": "the channels by name, see [channels](#channels)",
    "input": "JSON Schema that a run's input must fit; members named like a channel are its first value",
    "output": "name -> value; without it the output is the whole state",
    "nodes": "the nodes by id, see [node kinds](node-kinds.md)",
    "edges": "what comes after what, see [edges](#edges)",
    "limits": "how much a run may take, see [limits](#limits)",
    "permissions": "tools that its runs may call, see [permissions](../permissions.md#a-workflow); an empty list: none",
    "flow": "`concurrency`, `rate`, `singleton`, `debounce`, `priority` of its runs, see [flow control](../operations.md#flow-control)",
}
CHANNEL: Final = {
    "merge": "how an update meets the value: `append` and `union` add a list item by item, `messages` replaces by message id",
    "default": "the value before the first update",
    "on_conflict": "`last`: of two nodes side by side that both replace it, the later one holds; otherwise the second fails",
}
EDGE: Final = {
    "id": "a name for the edge in problems and pictures",
    "from": "a node, or `start`",
    "to": "a node, or `end`; with `targets` an expression that names one or several of them",
    "edge_type": "checked against what the edge is, when given",
    "when": "the edge is taken when this expression is true",
    "route": "rules, each with `when` and `to`: the first that holds is taken",
    "otherwise": "where to when no rule holds; without it that is the failure `no_route`",
    "take": "`all`: every rule that holds is taken",
    "targets": "every node that the expression in `to` may name",
    "on_error": "taken when the node failed, with any code or one of these; the target sees `error` and `errors`",
}
LIMITS: Final = {
    "steps": "activations of the run",
    "visits": "of one node in one frame",
    "seconds": "from the run's start to its end",
    "depth": "of frames: workflows in workflows, maps in maps",
    "fan_out": "items or targets of one node",
    "concurrency": "nodes at once; more wait their turn",
    "cost_usd": "of all model calls of the run",
    "tokens": "of all model calls of the run",
}
NODE: Final = {
    "kind": "one of the kinds below",
    "writes": "channel -> value over `output`, `state`, `input`",
    "join": "when it runs if several edges lead to it: `all`, `any`, `{count, cancel_rest?, on_starved?}`, `{from, on_starved?}`",
    "retry": "`attempts`, `first_seconds`, `factor`, `max_seconds`, and the `codes` that are tried again",
    "timeout_seconds": "for each attempt",
    "compensate": "the node that undoes this one when its frame fails or the run is cancelled; it has no edges",
    "concurrency": "activations of this node at once",
    "description": "for people",
    "position": "`{x, y}` for editors and pictures; nothing else looks at it",
}
KINDS: Final = {
    "agent": {
        "model": "an alias such as `fast`, or `provider/model`",
        "instructions": "a template: what the agent is for, and how it works",
        "prompt": "a template, the message of the user; or `{use: name@3, with: {...}}`, see [prompts](../prompts.md)",
        "messages": "in place of `prompt`: a value that gives a list of `{role, content}`",
        "tools": "names of tools, or `{tool, name?, description?, arguments?}`: `arguments` are values that the author gives",
        "handoffs": "other agents by name: `{description, instructions?, model?, tools?, handoffs?}`",
        "approvals": "by tool: `auto` (as the policy has it), `ask` (a person approves of each call) or `deny`",
        "approval": "who is asked and until when: `who`, `deadline_seconds`, `on_deadline`, `escalate`, `editable`",
        "plan": "it is offered the tool `update_plan`, whose last call is in `output.plan`",
        "max_turns": "answers of models, all agents together; then `limit_turns`",
        "max_cost_usd": "of all its calls together; a call that could cost more than is left is not made: `limit_cost`",
        "on_limit": "`fail`, or `stop`: it finishes with what there is, and `output.stopped_by`",
        "repeat_limit": "the same call in so many turns in a row is refused, and one more fails with `tool_loop`",
        "max_handoffs": "in all; then `handoff_loop`",
        "ping_pong_limit": "in a row between the same two, neither of which calls a tool meanwhile; then `handoff_loop`",
        "response_schema": "JSON Schema that the answer must fit; it is then in `output.json`",
        "context": "what of a long conversation the model is given: `max_tokens`, `keep_last`; what it began with is never left out",
        "temperature": "as the provider takes it",
        "max_tokens": "of each answer",
        "seed": "for providers that can repeat themselves",
        "options": "handed to the provider as they are; for `scripted/...` its script",
    },
    "llm": {
        "model": "an alias such as `fast`, or `provider/model`",
        "prompt": "a template, the message of the user; or `{use: name@3, with: {...}}`, see [prompts](../prompts.md)",
        "messages": "in place of `prompt`: a value that gives a list of `{role, content}`",
        "system": "a template; the message of the system",
        "images": "a value: a URL, a data URI or what `http_fetch` gave, or a list of those; they go with the prompt",
        "response_schema": "JSON Schema that the answer must fit; it is then in `output.json`",
        "repair": "`{attempts}`: how often the model is shown an answer that does not fit, and what is wrong with it; 1 when left out",
        "tools": "names of tools that the model may ask for; what it asks is in `output.tool_calls`, and nobody calls them",
        "cache": "`{ttl_seconds, scope}`: an identical call of the same `run`, `thread`, `workflow` or `tenant` is not made again",
        "temperature": "as the provider takes it",
        "max_tokens": "of the answer",
        "stop": "texts at which the answer ends",
        "seed": "for providers that can repeat themselves",
        "options": "handed to the provider as they are; for `scripted/...` its script",
        "context": "what of a conversation the model is given: `max_tokens`, `policy` (`trim`, `summarise`), `keep_last`, `summary_tokens`",
    },
    "human": {
        "show": "a value: what the person sees",
        "schema": "JSON Schema of the answer, as it stands; any object when left out",
        "who": "who may answer: roles, or names of keys; whoever is an operator when left out",
        "deadline_seconds": "a value: how long the question stands",
        "on_deadline": "`fail`, `default` (the node finishes with it) or `edge` (an error edge for `deadline` must be there)",
        "default": "a value: the answer when nobody gives one in time",
        "escalate": "`{who, after_seconds}`: after so long these may answer too",
    },
    "map": {
        "over": "a value that gives a list",
        "workflow": "what runs for each item: `name`, `name@version` or `self`",
        "graph": "in place of `workflow`: a graph written here",
        "input": "what each child gets, over `item` and `index` too; without it an item that is an object, or `{item: ...}` of any other",
        "concurrency": "children at once",
        "on_item_error": "`fail`: one failure fails the node; `collect`: `{error: {code, message, node, attempt}}` stands in the results",
        "enough": "stop after so many items; the rest is cancelled",
    },
    "terminate": {"output": "a value: the frame's output", "status": "how the frame ends"},
    "tool": {
        "tool": "the tool's name, see [tools](tools.md)",
        "arguments": "values; they must fit the tool's schema",
        "approval": "a person is asked before the call and sees its exact arguments, see [people](../people.md)",
    },
    "transform": {},
    "wait": {
        "seconds": "how long; five or more hold no worker meanwhile",
        "until": "a time with its zone (RFC 3339), or seconds since 1970; a time that has passed is no wait",
        "signal": "the name of the signal, as it stands",
        "first": "several of these, each an object with one key: whichever comes first",
    },
    "workflow": {"workflow": "`name`, `name@version` or `self`", "input": "what the child gets"},
}


def words_for(place: str, names: Iterable[str], words: Mapping[str, object]) -> None:
    """Raises `NoWords` unless there are words for exactly these names."""
    differing = set(names) ^ set(words)
    if differing:
        raise NoWords(f"{place}: {', '.join(sorted(differing))} in the code or in tools/reference_pages, but not in both")
