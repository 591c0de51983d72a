"""The documentation does what it says: its commands are typed, its files are used, its links lead somewhere."""

from pathlib import Path

import pytest

from tests.docs.pages import Page, pages
from tests.docs.reader import Reader
from tests.servers.commands import commands

PAGES = [pytest.param(page, id=page.name) for page in pages()]
WITH_COMMANDS = [pytest.param(page, id=page.name) for page in pages() if any(block.is_run for block in page.blocks)]
WORDS = {"run", "server"}
PAIRS = {"file", "exit"}


@pytest.mark.processes
@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_what_a_page_tells_to_type_works(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "reader"
    with commands(folder, {}, folder) as started:
        typed = Reader.of(page, started).read()

    assert typed >= 1


def test_the_pages_that_newcomers_read_have_commands_that_are_typed() -> None:
    typed = {page.name for page in pages() if any(block.is_run for block in page.blocks)}

    assert typed >= {"README.md", "docs/quickstart.md", "docs/operations.md", "docs/extending.md", "docs/support-desk.md"}


@pytest.mark.parametrize("page", PAGES)
def test_info_strings_are_spelled_as_the_reader_knows_them(page: Page) -> None:
    unknown = [word for block in page.blocks for word in block.words if word not in WORDS and word.partition("=")[0] not in PAIRS]

    assert unknown == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_something(page: Page) -> None:
    lost = [link for link in page.links if not leads_somewhere(page, link)]

    assert lost == []


def leads_somewhere(page: Page, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.path.parent / path).resolve() if path else page.path
    if not target.exists():
        return False
    return not anchor or target.suffix != ".md" or anchor in Page(target).anchors


def test_the_reader_notices_what_does_not_work(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.md"
    wrong.write_text("```sh run\nweft no-such-command\n```\n")
    folder = tmp_path / "reader"

    with commands(folder, {}, folder) as started, pytest.raises(AssertionError, match="ended with 2"):
        Reader.of(NamedPage(wrong), started).read()


class NamedPage(Page):
    """A page from outside the repository."""

    @property
    def name(self) -> str:
        return self.path.name
