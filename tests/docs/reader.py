"""Somebody who does what a page says: saves its files, types its commands, in a folder and a home of their own."""

import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.places import ROOT
from tests.docs.pages import Block, Page
from tests.servers.commands import Commands

THE_PAGES_SERVICE = "localhost:8040"


@dataclass(slots=True)
class Reader:
    page: Page
    commands: Commands
    service: str = ""
    """The address of the page's service, once a command needed it."""

    @classmethod
    def of(cls, page: Page, commands: Commands) -> "Reader":
        for name, target in ((".venv", Path(sys.prefix)), ("examples", ROOT / "examples")):
            (commands.folder / name).symlink_to(target)
        reader = cls(page, commands)
        reader._install()
        return reader

    def read(self) -> int:
        """How many commands were typed; AssertionError at the first that ends otherwise than the page says."""
        typed = 0
        for block in self.page.blocks:
            if block.file:
                self._save(block)
            elif block.is_run:
                typed += self._type(block)
        return typed

    def _save(self, block: Block) -> None:
        (self.commands.folder / block.file).write_text(self._of_the_service(block.text))

    def _install(self) -> None:
        """The entry points of the page's packages, where an installer would put them."""
        tables = [
            tomllib.loads(block.text).get("project", {}).get("entry-points", {}) for block in self.page.blocks if block.language == "toml"
        ]
        groups = {group: entries for table in tables for group, entries in table.items()}
        if not groups:
            return
        about = self.commands.folder / "of_the_page-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: of-the-page\nVersion: 1.0\n")
        lines = [f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in entries.items()) for group, entries in groups.items()]
        (about / "entry_points.txt").write_text("\n".join(lines) + "\n")

    def _type(self, block: Block) -> int:
        if "server" in block.words and not self.service:
            self.service = self.commands.serve(PATH=self._environment()["PATH"]).url()
        for line in block.commands:
            done = self._typed(line)
            expected = int(block.given("exit", "0"))
            assert done.returncode == expected, f"{self.page.name}: {line}\nended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return len(block.commands)

    def _typed(self, line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", self._of_the_service(line)],
            cwd=self.commands.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def _of_the_service(self, text: str) -> str:
        """A file that a page shows after its service has started may name it too."""
        return text.replace(THE_PAGES_SERVICE, self.service.removeprefix("http://") or THE_PAGES_SERVICE)

    def _environment(self) -> dict[str, str]:
        home = self.commands.folder / "home"
        home.mkdir(exist_ok=True)
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        server = {"WEFT_SERVER": self.service} if self.service else {}
        return {"PATH": path, "HOME": str(home), "PYTHONPATH": str(self.commands.folder), "LC_ALL": "C.UTF-8", **server}
