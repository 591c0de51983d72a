"""What a tool says while it works, told on to whoever called it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from application.views import plainly
from interface.mcp.watching import Progress

MOST: Final = 100
"""Words that wait to be told on; beyond them the newest are lost."""
LAST_SECONDS: Final = 1.0
"""For what was said last, when the tool has ended."""


@asynccontextmanager
async def told_on(progress: Progress | None) -> AsyncIterator[Callable[[str], None]]:
    """Gives what a tool calls with its words, from any thread."""
    if progress is None:
        yield lambda text: None
        return
    loop, said = asyncio.get_running_loop(), asyncio.Queue[str](MOST)
    teller = asyncio.create_task(_tell(said, progress))

    def tell(text: str) -> None:
        with suppress(RuntimeError):  # a thread that nobody waits for any more may speak when the loop is closed
            loop.call_soon_threadsafe(_keep, said, text)

    try:
        yield tell
        await asyncio.sleep(0)  # what was said last is in the queue now
        await _all_told(said, teller)
    finally:
        teller.cancel()
        await asyncio.gather(teller, return_exceptions=True)


async def _all_told(said: asyncio.Queue[str], teller: asyncio.Task[None]) -> None:
    """Or nobody tells any more, or it takes too long."""
    joining = asyncio.create_task(said.join())
    try:
        await asyncio.wait({joining, teller}, timeout=LAST_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        joining.cancel()


def _keep(said: asyncio.Queue[str], text: str) -> None:
    if not said.full():
        said.put_nowait(text)


async def _tell(said: asyncio.Queue[str], progress: Progress) -> None:
    number = 0
    while True:
        text = await said.get()
        number += 1
        await progress(number, plainly(text))
        said.task_done()
