from collections.abc import AsyncIterator

import pytest

from tests.integration.rest.place import Place
from tests.integration.rest.service import Service, adder, open_service
from tests.integration.rest.serving import on_a_port


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with open_service() as opened:
        yield opened


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with open_service() as service:
        await service.publish(adder())
        async with on_a_port(service) as url:
            yield Place(service, url)
