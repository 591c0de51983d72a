import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest

from tests.unit.application.engine.stage import Stage, open_stage
from tests.virtual_time import VirtualLoop


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual": VirtualLoop}


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
