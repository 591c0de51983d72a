"""The real command as a process of its own, in a folder of its own, with no setting of the outside."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.architecture.places import ROOT
from tests.servers.commands import Commands, Running

EXAMPLES = ROOT / "examples"

COUNTING = """\
weft: 1
name: counting
version: 1.0.0
state:
  x: {type: integer, default: 0}
nodes:
  once: {kind: transform, writes: {x: "${state.x + 1}"}}
  twice: {kind: transform, writes: {x: "${state.x + 1}"}}
edges:
  - {from: start, to: once}
  - {from: once, to: twice}
  - {from: twice, to: end}
"""
SLEEPING = """\
weft: 1
name: sleeping
version: 1.0.0
nodes:
  nap: {kind: wait, seconds: 300}
edges:
  - {from: start, to: nap}
  - {from: nap, to: end}
"""
WORKING = """\
weft: 1
name: working
version: 1.0.0
nodes:
  work: {kind: tool, tool: sleep, arguments: {seconds: 300}}
edges:
  - {from: start, to: work}
  - {from: work, to: end}
"""
"""Holds its slot, where `SLEEPING` holds none."""
FAILING = """\
weft: 1
name: failing
version: 1.0.0
nodes:
  divide: {kind: tool, tool: calculator, arguments: {expression: 1 / 0}}
edges:
  - {from: start, to: divide}
  - {from: divide, to: end}
"""
WRONG = """\
weft: 1
name: wrong
version: 1.0.0
nodes:
  once:
    kind: transfom
edges:
  - {from: start, to: once}
  - {from: once, to: nowhere}
"""


@dataclass(frozen=True, slots=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Weft:
    """Databases come to lie in the folder, unless told otherwise."""

    commands: Commands

    def __call__(self, *arguments: str | Path, **variables: str) -> Answer:
        return self.answer_of(self.commands.start(*map(str, arguments), **variables))

    def answer_of(self, running: Running) -> Answer:
        return Answer(running.ended(60.0), running.out.read_text(), running.err.read_text())

    def write(self, name: str, text: str) -> Path:
        path = self.commands.folder / name
        path.write_text(text)
        return path
