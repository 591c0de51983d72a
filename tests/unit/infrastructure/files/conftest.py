from pathlib import Path

import pytest

from tests.unit.infrastructure.files.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.at(tmp_path)
