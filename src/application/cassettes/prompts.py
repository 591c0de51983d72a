"""Published prompts that come along on a cassette: every version up to the one that was used, so that numbers stay what they are."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import JsonValue

from application.access import LOCAL_ADMIN
from application.desk import Desk
from application.prompt_documents import PromptDocument
from application.prompt_views import RolloutOrder
from application.used_prompts import OF_PROMPTS
from domain.errors import ValidationError

_INCLUDED: Final = re.compile(r"include\s+['\"]([A-Za-z][A-Za-z0-9_./-]*)@([1-9][0-9]{0,8})")


def pinned(versions: Mapping[str, str]) -> dict[str, int]:
    """Name -> number, of the prompts whose rollout chose for the run."""
    found = {name.removeprefix(OF_PROMPTS): int(number) for name, number in versions.items() if name.startswith(OF_PROMPTS)}
    return {name: number for name, number in found.items() if "@" not in name}


async def prompts_of(desk: Desk, versions: Mapping[str, str]) -> list[JsonValue]:
    """With those that they include, each name's versions in order."""
    todo = [
        (name.removeprefix(OF_PROMPTS).partition("@")[0], int(number)) for name, number in versions.items() if name.startswith(OF_PROMPTS)
    ]
    found: dict[tuple[str, int], Any] = {}
    while todo:
        name, most = todo.pop()
        for number in range(1, most + 1):
            if (name, number) not in found:
                document = (await desk.prompts.get(LOCAL_ADMIN, name, number)).document
                found[name, number] = document
                todo += [(inner, int(at)) for inner, at in _INCLUDED.findall(json.dumps(document).replace('\\"', '"'))]
    return [found[key] for key in sorted(found)]


async def publish_prompts(
    desk: Desk, documents: list[dict[str, JsonValue]], pins: Mapping[str, int], newer: Sequence[PromptDocument] = ()
) -> None:
    """Each after those that it includes; what was published before is not published again. `newer`: versions that are chosen in place of
    the recorded ones."""
    names = list(dict.fromkeys(str(document["prompt"]) for document in documents))
    while names:
        refused: list[str] = []
        for name in names:
            try:
                for document in documents:
                    if document["prompt"] == name:
                        await desk.prompts.publish(LOCAL_ADMIN, PromptDocument.model_validate(document))
            except ValidationError:
                if len(refused) + 1 == len(names):
                    raise
                refused.append(name)
        names = refused
    chosen = dict(pins)
    for prompt in newer:
        chosen[prompt.prompt] = (await desk.prompts.publish(LOCAL_ADMIN, prompt)).view.version
    for name, number in chosen.items():
        await desk.prompts.roll_out(LOCAL_ADMIN, name, RolloutOrder(shares={number: 100}))
