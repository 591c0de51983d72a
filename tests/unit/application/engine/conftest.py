import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.unit.application.engine.stage import Stage, open_stage
from tests.virtual_time import VirtualLoop, VirtualPolicy


@pytest.fixture(scope="session")
def event_loop_policy() -> asyncio.AbstractEventLoopPolicy:
    return VirtualPolicy()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """Nothing may be left behind: no task, no timer."""
    async with open_stage() as stage:
        yield stage
        for _ in range(3):
            await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
        assert loop.timers() == []
