"""Servers of MCP that a test has, gone after it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from infrastructure.tools.mcp import process
from tests.integration.mcp.house import Household


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Household]:
    monkeypatch.setattr(process, "PATIENCE_SECONDS", 0.2)
    async with AsyncExitStack() as stack:
        yield Household(tmp_path, stack)
