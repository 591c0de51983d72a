"""A page of the documentation as the test reads it: its fenced blocks with what their info strings ask for, and its links.

```yaml file=NAME        the block is that file
```sh run                each line is typed, and ends with 0
```sh run exit=2         ... with 2
```sh run server         ... while a service runs; `localhost:8040` in it, and in files after it, means that one
```toml                  entry points in it are installed, with the page's files as the package
"""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.places import ROOT

_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    language: str
    words: tuple[str, ...]
    text: str

    def given(self, name: str, otherwise: str = "") -> str:
        """The value of `name=value` in the info string."""
        return next((word.partition("=")[2] for word in self.words if word.startswith(f"{name}=")), otherwise)

    @property
    def file(self) -> str:
        return self.given("file")

    @property
    def commands(self) -> list[str]:
        """What is typed: a line each, one that ends with a backslash together with the next."""
        return [line for line in self.text.replace("\\\n", " ").splitlines() if line.strip() and not line.startswith("#")]

    @property
    def is_run(self) -> bool:
        return self.language == "sh" and "run" in self.words


@dataclass(frozen=True, slots=True)
class Page:
    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def blocks(self) -> list[Block]:
        found = _FENCE.findall(self.path.read_text())
        return [Block((info.split() or [""])[0], tuple(info.split()[1:]), text) for info, text in found]

    @property
    def links(self) -> list[str]:
        """Targets inside the repository."""
        return [link for link in _LINK.findall(self._prose) if not re.match(r"\w+:", link)]

    @property
    def anchors(self) -> set[str]:
        """What `#...` may name, as GitHub makes it of headings."""
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(self._prose)}

    @property
    def _prose(self) -> str:
        return _FENCE.sub("", self.path.read_text())


def pages() -> list[Page]:
    beside = [*ROOT.glob("*.md"), *(ROOT / "examples").glob("**/*.md")]
    return [Page(path) for path in sorted([*beside, *(ROOT / "docs").glob("**/*.md")])]
