from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli.command import Weft
from tests.servers.commands import commands


@pytest.fixture
def weft(tmp_path: Path) -> Iterator[Weft]:
    with commands(tmp_path, {}) as started:
        yield Weft(started)
