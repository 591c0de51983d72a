"""A prompt with all that it includes is prepared once, off the loop where that takes long."""

from collections.abc import AsyncIterator
from threading import get_ident
from typing import Any

import pytest

from application.preparing_prompts import MOST_INCLUDED, PromptShelf
from application.prompt_documents import PromptDocument
from domain.errors import ValidationError
from domain.ids import DEFAULT_TENANT, ContentHash
from domain.ports.templates import Piece, Template
from domain.prompt import PromptVersion
from infrastructure.clock import SystemClock
from infrastructure.schemas import JsonSchemas
from infrastructure.store.memory import open_memory
from infrastructure.templates import JinjaTemplates


class Watched(JinjaTemplates):
    threads: set[int]

    def put_together(self, piece: Piece, variables: frozenset[str]) -> Template:
        self.threads.add(get_ident())
        return super().put_together(piece, variables)


@pytest.fixture
async def shelf() -> AsyncIterator[PromptShelf]:
    clock = SystemClock()
    templates = Watched()
    object.__setattr__(templates, "threads", set())
    async with open_memory(clock=clock) as store:
        yield PromptShelf(store.prompts, templates, JsonSchemas())


async def published(shelf: PromptShelf, **document: Any) -> PromptVersion:
    read = PromptDocument.model_validate(document)
    content = ContentHash(str(hash(str(document))))
    version = PromptVersion(DEFAULT_TENANT, read.prompt, 0, content, read.as_json, "ada", SystemClock().now())
    return (await shelf.prompts.publish(version))[0]


@pytest.mark.parametrize(("text", "here"), [("short", True), ("long " * 2_000, False)], ids=["short", "long"])
async def test_a_long_prompt_leaves_the_event_loop_free(shelf: PromptShelf, text: str, here: bool) -> None:
    await published(shelf, prompt="a", text=text)
    await shelf.get(DEFAULT_TENANT, "a", 1)

    assert isinstance(shelf.templates, Watched)
    assert {thread == get_ident() for thread in shelf.templates.threads} == {here}


async def test_a_version_is_prepared_once_and_the_oldest_go_when_there_are_many(shelf: PromptShelf) -> None:
    shelf.most = 2
    for name in ("a", "b", "c"):
        await published(shelf, prompt=name, text=name)
    first = await shelf.get(DEFAULT_TENANT, "a", 1)
    assert await shelf.get(DEFAULT_TENANT, "a", 1) is first

    for name in ("b", "c"):
        await shelf.get(DEFAULT_TENANT, name, 1)

    assert await shelf.get(DEFAULT_TENANT, "a", 1) is not first


async def test_a_prompt_is_made_of_so_many_others_and_no_more(shelf: PromptShelf) -> None:
    for number in range(MOST_INCLUDED + 1):
        await published(shelf, prompt=f"p{number}", text=f"{number} ")
    includes = [f"{{% include 'p{number}@1' %}}" for number in range(MOST_INCLUDED + 1)]
    await published(shelf, prompt="enough", text="".join(includes[:-1]))
    await published(shelf, prompt="too-many", text="".join(includes))

    whole = await shelf.get(DEFAULT_TENANT, "enough", 1)
    assert str(whole({})[0]["content"]).split() == [str(number) for number in range(MOST_INCLUDED)]
    with pytest.raises(ValidationError, match=f"more than {MOST_INCLUDED} other prompts"):
        await shelf.get(DEFAULT_TENANT, "too-many", 1)


async def test_a_long_chain_of_prompts_is_refused(shelf: PromptShelf) -> None:
    await published(shelf, prompt="p0", text="end")
    for number in range(1, 45):
        await published(shelf, prompt=f"p{number}", text=f"{{% include 'p{number - 1}@1' %}}")

    assert (await shelf.get(DEFAULT_TENANT, "p20", 1))({})[0]["content"] == "end"
    with pytest.raises(ValidationError, match="nested deeper than 40"):
        await shelf.get(DEFAULT_TENANT, "p44", 1)


async def test_messages_cannot_be_included(shelf: PromptShelf) -> None:
    await published(shelf, prompt="talk", messages=[{"role": "system", "content": "x"}])
    document = PromptDocument.model_validate({"prompt": "a", "text": "{% include 'talk@1' %}"})

    with pytest.raises(ValidationError, match="only a prompt of one `text` can be included"):
        await shelf.prepared(DEFAULT_TENANT, document.as_prompt(), "a")
