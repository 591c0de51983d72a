from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.mcp_server.host import ERAS, Host, open_host


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    async with open_host(tmp_path) as opened:
        yield opened


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    return str(request.param)
