"""Published prompts that graphs use: which version a run gets, and whether what a graph says fits it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from application.documents import pointer_to
from application.preparing_prompts import PromptShelf
from application.prompt_documents import NUMBER
from application.rendering_prompts import PreparedPrompt
from domain.errors import NotFound, Problem, ValidationError
from domain.graph.definition import Graph
from domain.ids import TenantId, ThreadId
from domain.json import Json, JsonObject
from domain.ports.prompts import Prompts, ReadyPrompt

OF_PROMPTS: Final = "prompt:"
"""Begins the names of prompts among the versions that a run was pinned to: `prompt:support/answer` -> `3`."""


@dataclass(frozen=True, slots=True)
class UsedPrompt:
    """`use` and `with` of a node. `reference`: `name`, or `name@3`."""

    at: str
    reference: str
    values: JsonObject

    @property
    def name(self) -> str:
        return self.reference.partition("@")[0]

    @property
    def number(self) -> int | None:
        """None: the rollout says which."""
        written = self.reference.partition("@")[2]
        return int(written) if re.fullmatch(NUMBER, written) else None


def used_prompts(graph: Graph, at: str = "") -> Iterator[UsedPrompt]:
    """Inner graphs included."""
    for name, node in graph.nodes.items():
        here = pointer_to(f"{at}/nodes", name)
        written = node.config.get("prompt")
        if isinstance(written, Mapping) and isinstance(used := written.get("use"), str):
            values = written.get("with", {})
            yield UsedPrompt(f"{here}/prompt", used, values if isinstance(values, Mapping) else {})
        if node.graph is not None:
            yield from used_prompts(node.graph, f"{here}/graph")


async def resolve_prompts(prompts: Prompts, tenant: TenantId, graphs: Iterable[Graph], thread: ThreadId) -> Mapping[str, str]:
    """The version of every prompt that these graphs use, for a run of this thread. A conversation keeps its version from run to run, as
    long as the rollout stays. `PromptNotFound` for one that is rolled out to nobody."""
    used = {one.reference: one for graph in graphs for one in used_prompts(graph)}
    return {
        f"{OF_PROMPTS}{reference}": str(one.number or await _chosen(prompts, tenant, one.name, thread)) for reference, one in used.items()
    }


async def _chosen(prompts: Prompts, tenant: TenantId, name: str, thread: ThreadId) -> int:
    newest = await prompts.get(tenant, name)
    return (await prompts.rollout(tenant, name)).chooses(newest.number, name, thread)


def workflows_among(versions: Mapping[str, str]) -> dict[str, str]:
    """Without the prompts."""
    return {name: version for name, version in versions.items() if not name.startswith(OF_PROMPTS)}


def prompts_among(versions: Mapping[str, str]) -> dict[str, str]:
    return {name: version for name, version in versions.items() if name.startswith(OF_PROMPTS)}


async def ready_prompts(shelf: PromptShelf, tenant: TenantId, versions: Mapping[str, str]) -> dict[str, ReadyPrompt]:
    """By the reference as written in the graph."""
    found: dict[str, ReadyPrompt] = {}
    for name, number in prompts_among(versions).items():
        reference = name.removeprefix(OF_PROMPTS)
        found[reference] = await shelf.get(tenant, reference.partition("@")[0], int(number))
    return found


async def wrong_prompts(shelf: PromptShelf, tenant: TenantId, graph: Graph) -> list[Problem]:
    """Prompts that are not there, and values for them that do not fit; of one without a version, for each version that it may become."""
    problems: list[Problem] = []
    for used in used_prompts(graph):
        try:
            for number in await _numbers(shelf.prompts, tenant, used):
                problems += _unfit(used, await shelf.get(tenant, used.name, number))
        except NotFound as error:
            problems.append(Problem(f"{used.at}/use", "unknown_prompt", error.message))
        except ValidationError as error:
            problems.append(Problem(f"{used.at}/use", error.code, error.message))
    return problems


async def _numbers(prompts: Prompts, tenant: TenantId, used: UsedPrompt) -> Sequence[int]:
    if used.number is not None:
        return (used.number,)
    newest = await prompts.get(tenant, used.name)
    return (await prompts.rollout(tenant, used.name)).may_choose(newest.number)


def _unfit(used: UsedPrompt, prompt: PreparedPrompt) -> Iterator[Problem]:
    for found in prompt.wrong_names(used.values):
        at = used.at + found.pointer.replace("/variables", "/with", 1) if found.code == "unknown_variable" else used.at
        yield Problem(at, found.code, f"{prompt.reference}: {found.message}")
    for name in sorted(used.values.keys() & prompt.schemas.keys()):
        if _is_literal(used.values[name]):
            for found in prompt.schemas[name].problems(used.values[name]):
                yield Problem(pointer_to(f"{used.at}/with", name) + found.pointer, found.code, f"{prompt.reference}: {found.message}")


def _is_literal(written: Json) -> bool:
    """No `${...}` in it, however deep."""
    if isinstance(written, str):
        return "${" not in written
    if isinstance(written, Mapping):
        return all(map(_is_literal, written.values()))
    return all(map(_is_literal, written)) if isinstance(written, list | tuple) else True
