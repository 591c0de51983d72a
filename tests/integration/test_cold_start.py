"""What a service that has just been started asks of its store must not cost it the half second that SQLAlchemy takes to load, nor its first
answer what only later ones need."""

import subprocess
import sys
from pathlib import Path

from tests.architecture.places import SRC

FIRST_TURNS = """
import asyncio, sys

from bootstrap import open_app
from settings import Settings
from wiring.beside import beats_of, chores_of

async def main():
    async with open_app(Settings(database_url=sys.argv[1])) as app:
        chores = chores_of(app.parts, app.desk, beats_of(app.parts, app.worker)).chores
        for chore in chores:
            await chore.turn()
        await app.desk.check_readiness()
        app.shared.tools().list()
        print(len(chores), *(name in sys.modules for name in ("sqlalchemy", "httpcore", "litellm")))

asyncio.run(main())
"""


def test_the_first_turn_of_every_chore_readiness_and_the_list_of_tools_load_no_large_library(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'weft.db'}"
    _taken(url)  # makes the schema, and loads SQLAlchemy for that

    number, *loaded = _taken(url)

    assert int(number) > 5
    assert loaded == ["False"] * 3


def _taken(url: str) -> list[str]:
    return subprocess.run([sys.executable, "-c", FIRST_TURNS, url], capture_output=True, text=True, check=True, cwd=SRC).stdout.split()
