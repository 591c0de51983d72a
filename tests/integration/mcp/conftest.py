"""Servers of MCP that a test has, gone after it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.integration.mcp.house import Household


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Household]:
    async with AsyncExitStack() as stack:
        yield Household(tmp_path, stack)
