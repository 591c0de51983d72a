from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.tools import mcp_subject, rest_subject
from tests.integration.tools.python_subjects import PYTHON
from tests.integration.tools.subject import Subject

SUBJECTS = {**PYTHON, "rest": rest_subject.opened, "mcp": mcp_subject.opened}


@pytest.fixture(params=SUBJECTS)
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    async with SUBJECTS[request.param](tmp_path) as opened:
        yield opened
