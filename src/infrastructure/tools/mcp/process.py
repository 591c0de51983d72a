"""A server that is a process of ours, with everything that it starts: one group, which ends with it."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

PATIENCE_SECONDS: Final = 2.0
"""To end by itself once nothing more can come, and again once it is asked to."""
LOOK_SECONDS: Final = 0.01
INHERITED: Final = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER")
"""Of our environment. Never the rest: settings and secrets stand there."""


def environment(added: Mapping[str, str]) -> dict[str, str]:
    return {name: os.environ[name] for name in INHERITED if name in os.environ} | dict(added)


@dataclass(frozen=True, slots=True)
class ServerProcess:
    process: asyncio.subprocess.Process
    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader

    @classmethod
    async def start(cls, command: Sequence[str], env: Mapping[str, str], cwd: str | None) -> "ServerProcess":
        """`OSError` when it cannot be."""
        pipe = asyncio.subprocess.PIPE
        made = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment(env), cwd=cwd, start_new_session=True
        )
        assert made.stdin is not None
        assert made.stdout is not None
        assert made.stderr is not None
        return cls(made, made.stdin, made.stdout, made.stderr)

    @property
    def ended(self) -> str:
        """How, or "" while it runs."""
        code = self.process.returncode
        if code is None:
            return ""
        return f"it ended with exit code {code}" if code >= 0 else f"it was ended by {signal.Signals(-code).name}"

    async def stop(self) -> None:
        """Close its input, ask it to end, kill it: each as long as it has time to follow the one before. Nothing of its group is left."""
        with suppress(OSError):
            self.stdin.close()
        if not await self._is_gone(PATIENCE_SECONDS):
            self._signal(signal.SIGTERM)
            if not await self._is_gone(PATIENCE_SECONDS):
                self._signal(signal.SIGKILL)
                await self.ends_within(PATIENCE_SECONDS)
        # Whoever inherited its pipes may hold them open for ever: our ends are closed here, and the process counts as waited for.
        self.process._transport.close()  # type: ignore[attr-defined]

    def _signal(self, what: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, what)

    async def _is_gone(self, seconds: float) -> bool:
        """The process, and whatever it left in its group."""
        return await _until(lambda: self.process.returncode is not None and self._is_group_empty(), seconds)

    async def ends_within(self, seconds: float, every: float = LOOK_SECONDS) -> bool:
        """Not `wait()`: that waits for everybody who holds its pipes, too."""
        return await _until(lambda: self.process.returncode is not None, seconds, every)

    def _is_group_empty(self) -> bool:
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False


async def _until(holds: Callable[[], bool], seconds: float, every: float = LOOK_SECONDS) -> bool:
    ends = time.monotonic() + seconds
    while not holds():
        if time.monotonic() >= ends:
            return False
        await asyncio.sleep(every)
    return True
