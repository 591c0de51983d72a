"""`tools.md`: the tools that ship, as a run would find them."""

from collections.abc import Iterable
from typing import Any, Final

from tools.reference_pages.markdown import json_code, members, page

_ABOUT: Final = """\
A `tool` node calls them, and `weft tools call NAME --arguments JSON` tries them. Arguments and results are checked against both
schemas; `GET /v1/tools/NAME` has them whole. Tools of your own join these by the entry points `weft.tools`: see
[extending](../extending.md)."""


def tools_page(tools: Iterable[Any]) -> str:
    return page(
        "Tools",
        _ABOUT,
        *(_tool(tool) for tool in tools),
    )


def _tool(tool: Any) -> str:
    examples = "\n".join(f"- {json_code(example['arguments'])} gives {json_code(example['output'])}" for example in tool.examples)
    parts = [
        f"## {tool.name}",
        tool.metadata.description,
        "Arguments:",
        members(tool.parameters),
        "Result:",
        members(tool.returns),
        f"For example\n\n{examples}" if examples else "",
    ]
    return "\n\n".join(part.rstrip() for part in parts if part)
