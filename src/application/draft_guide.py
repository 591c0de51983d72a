"""What a model is told that is to write a workflow: the language in short form, what is installed, two examples. Its size is bounded."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from domain.json import Json, JsonObject
from domain.model import ModelCard
from domain.ports.nodes import NodeKind
from domain.tool import Tool

MOST_OF_TOOLS: Final = 12_000
MOST_OF_MODELS: Final = 2_000
MOST_OF_KINDS: Final = 8_000
"""Characters."""
_LONGEST_LINE: Final = 300

LANGUAGE: Final = """\
You write workflows for Weft. Answer with one YAML document and nothing else: no explanation, no code fence.

A document has these keys: `weft: 1`, `name` (letters, digits, `_.-`), `version` (as 1.0.0), `description`, `input` (JSON Schema of an
object), `state`, `nodes`, `edges`, `output` (name -> value). Nothing else is allowed unless listed here.
- `state`: channel -> JSON Schema, and `default`, and `merge` (replace, append, ...) where several nodes write it. A member of the input
  with the name of a channel starts that channel.
- `nodes`: name -> {kind, keys of that kind, writes}. `writes`: channel -> value over `output`, `state` and `input`. A node without
  `writes` changes nothing. Every node may have `description`, `timeout_seconds`, `retry: {attempts, first_seconds}`.
- `edges`: a list of {from, to}; `start` is where it begins, and a node without an edge onward ends. {from, to, when: CEL} is taken when
  its condition holds; {from, route: [{when: CEL, to}], otherwise: NODE} takes the first that holds; {from, to, on_error: true} catches.
  Two edges from one node run side by side; a node with several edges to it waits for those that are under way.
- A value is a literal, or holds `${CEL}`: "${state.total + 1}", "${output.text}". CEL reads `state.NAME`, `input.NAME`, and after a node
  has run `output`. `when` is bare CEL, without `${}`. Quote what has braces or colons.
- `prompt` and `system` of llm nodes are Jinja2: "{{ state.ticket }}". Loops: an edge back to an earlier node, with a condition.
- Every name must be there: an edge names nodes, a value names channels of `state`, a node names a tool and a model of the lists below.
"""

EXAMPLES: Final = (
    """\
weft: 1
name: triage
version: 1.0.0
description: Sorts a ticket, and answers those that are not about money.
input: {type: object, required: [ticket], properties: {ticket: {type: string}}}
state:
  ticket: {type: string}
  label: {type: string}
  reply: {type: string, default: ""}
nodes:
  sort:
    kind: llm
    model: MODEL
    prompt: "Is this about billing or something else? Say one word.\\n{{ state.ticket }}"
    writes: {label: "${output.text}"}
  answer:
    kind: llm
    model: MODEL
    prompt: "Answer this ticket: {{ state.ticket }}"
    writes: {reply: "${output.text}"}
edges:
  - {from: start, to: sort}
  - {from: sort, route: [{when: "state.label.contains('billing')", to: end}], otherwise: answer}
output: {label: "${state.label}", reply: "${state.reply}"}
""",
    """\
weft: 1
name: countdown
version: 1.0.0
input: {type: object, required: [n], properties: {n: {type: integer}}}
state:
  n: {type: integer}
  seen: {type: array, merge: append, default: []}
nodes:
  step:
    kind: transform
    writes: {seen: "${[state.n]}", n: "${state.n - 1}"}
edges:
  - {from: start, to: step}
  - {from: step, to: step, when: "state.n > 0"}
output: {seen: "${state.seen}"}
""",
)


def guide(kinds: Mapping[str, NodeKind], tools: Sequence[Tool], models: Sequence[ModelCard]) -> str:
    usable = [card.name for card in models if card.usable]
    parts = [
        LANGUAGE,
        "Kinds of nodes, each with its own keys (* must be there):\n" + _within(map(_kind, kinds.values()), MOST_OF_KINDS),
        "Models: " + (_within(usable, MOST_OF_MODELS, ", ") or "none"),
        "Tools, for nodes of the kind `tool`, with their arguments:\n" + (_within(map(_tool, tools), MOST_OF_TOOLS) or "none"),
        *(f"An example:\n{example.replace('MODEL', usable[0] if usable else 'fast')}" for example in EXAMPLES),
    ]
    return "\n\n".join(parts)


def _within(lines: Iterable[str], most: int, between: str = "\n") -> str:
    """As many as there is room for."""
    taken: list[str] = []
    for line in lines:
        most -= len(line) + len(between)
        if most < 0:
            return between.join([*taken, "..."])
        taken.append(line)
    return between.join(taken)


def _kind(kind: NodeKind) -> str:
    keys = ", ".join(_members(kind.schema)) or "no keys of its own"
    choices = kind.schema.get("oneOf")
    one_of = [str(name) for choice in choices for name in _required(choice)] if isinstance(choices, list | tuple) else []
    return f"- {kind.name}: {keys}" + (f"; exactly one of {', '.join(one_of)}" if one_of else "")


def _tool(tool: Tool) -> str:
    about = " ".join(tool.metadata.description.split())
    return f"- {tool.name}({', '.join(_members(tool.parameters))}): {about}"[:_LONGEST_LINE]


def _members(schema: JsonObject) -> Iterator[str]:
    properties = schema.get("properties")
    for name, member in properties.items() if isinstance(properties, Mapping) else ():
        yield f"{name}{'*' if name in _required(schema) else ''} {_type(member)}".strip()


def _required(schema: Json) -> Sequence[Json]:
    found = schema.get("required") if isinstance(schema, Mapping) else None
    return found if isinstance(found, list | tuple) else ()


def _type(member: Json) -> str:
    if not isinstance(member, Mapping):
        return ""
    if "enum" in member:
        return json.dumps(member["enum"], ensure_ascii=False)[:100]
    written = member.get("type")
    return f"({written})" if isinstance(written, str) else ""
