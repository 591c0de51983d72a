from collections.abc import AsyncIterator

import pytest

from tests.integration.rest.place import Place, open_place
from tests.integration.rest.service import Service, open_service


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with open_service() as opened:
        yield opened


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with open_place() as opened:
        yield opened
