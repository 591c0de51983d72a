"""Tools in a package of their own that write down every call: what happened, told by somebody who is not the engine.

`witness` has effects, so every earlier row is durable before it is called; `look` only reads. Both wait for the file that `until` names.
`once` may be called once only, `hog` holds the event loop.
"""

import json
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = '''
import asyncio
import json
import os
import time
from pathlib import Path

from weft import ToolContext, tool

FOLDER = Path(os.environ["WITNESS_FOLDER"])


def note(what: str, name: str, context: ToolContext) -> None:
    line = {"what": what, "name": name, "key": context.idempotency_key, "run": context.run, "pid": os.getpid()}
    file = os.open(FOLDER / "calls", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, json.dumps(line).encode() + b"\\n")
    os.close(file)


async def called(name: str, until: str, context: ToolContext) -> dict[str, str]:
    note("began", name, context)
    while until and not (FOLDER / until).exists():
        await asyncio.sleep(0.005)
    note("finished", name, context)
    return {"name": name}


@tool(effects="idempotent")
async def witness(name: str, context: ToolContext, until: str = "") -> dict[str, str]:
    """Write down that it was called, and wait for a file where one is named."""
    return await called(name, until, context)


@tool(effects="once")
async def once(name: str, context: ToolContext, until: str = "") -> dict[str, str]:
    """The same, of a tool that may be called once only."""
    return await called(name, until, context)


@tool(effects="none")
async def hog(name: str, seconds: float, context: ToolContext) -> dict[str, str]:
    """Holds the event loop, as a careless author's tool does."""
    note("began", name, context)
    time.sleep(seconds)
    note("finished", name, context)
    return {"name": name}


@tool(effects="none")
async def look(name: str, context: ToolContext, until: str = "") -> dict[str, str]:
    """The same, of a tool that only reads."""
    return await called(name, until, context)
'''


@dataclass(frozen=True, slots=True)
class Call:
    """One line of the witness. `key`: the call's idempotency key. `pid`: the process it happened in."""

    what: str
    name: str
    key: str
    run: str
    pid: int


@dataclass(frozen=True, slots=True)
class Witness:
    folder: Path

    @classmethod
    def settled_in(cls, folder: Path) -> "Witness":
        """Puts the package there, as a package manager would."""
        about = folder / "package" / "witness_tools-1.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: witness-tools\nVersion: 1.0\n")
        tools = "".join(f"{name} = witness_tools:{name}\n" for name in ("witness", "once", "hog", "look"))
        (about / "entry_points.txt").write_text(f"[weft.tools]\n{tools}")
        (folder / "package" / "witness_tools.py").write_text(_PACKAGE)
        return cls(folder)

    @property
    def package(self) -> Path:
        return self.folder / "package"

    @property
    def variables(self) -> dict[str, str]:
        return {"WITNESS_FOLDER": str(self.folder)}

    def calls(self, what: str = "began", name: str = "", pid: int = 0) -> list[Call]:
        file = self.folder / "calls"
        whole = file.read_text().rpartition("\n")[0].splitlines() if file.exists() else []
        calls = [Call(**json.loads(line)) for line in whole]
        return [call for call in calls if call.what == what and name in ("", call.name) and pid in (0, call.pid)]

    def open(self, gate: str) -> None:
        """Lets go on whoever waits for it, and whoever will."""
        (self.folder / gate).touch()
