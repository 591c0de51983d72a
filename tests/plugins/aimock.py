"""`model_server`: starts independent OpenAI-compatible servers with the fixtures a test gives, and stops them after it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.servers.aimock import Fixture, ModelServer, running_aimock

StartModelServer = Callable[[Sequence[Fixture]], ModelServer]


@pytest.fixture
def model_server(tmp_path: Path) -> Iterator[StartModelServer]:
    with ExitStack() as servers:
        yield lambda fixtures: servers.enter_context(running_aimock(tmp_path, fixtures))
