"""A worker that comes before its database waits, says so, and then works."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integration.processes.graphs import chain
from tests.integration.processes.site import Site
from tests.servers import web
from tests.servers.commands import commands
from tests.servers.rest import Rest
from tests.servers.shared import execute
from tests.servers.tcp_door import closed_door
from tests.servers.until import until
from tests.servers.witness import Witness

pytestmark = [pytest.mark.processes, pytest.mark.postgres]

WAITING = "waiting for the database"


def test_a_worker_started_before_its_server_listens_waits_and_then_works(
    tmp_path: Path, new_postgres_database: Callable[[], str], witness: Witness
) -> None:
    direct = new_postgres_database()
    port = urlsplit(direct).port or 0
    with closed_door(port) as door, commands(tmp_path / "weft", witness.variables, witness.package) as started:
        service = Rest(started.serve("--no-worker", WEFT_DATABASE_URL=direct).url())
        run = service.start(chain("one"))
        worker = started.start("worker", WEFT_DATABASE_URL=direct.replace(f":{port}/", f":{door.port}/"), WEFT_METRICS_PORT="0")
        until(lambda: worker.log(WAITING), "a word about waiting")
        meanwhile = [web.get(f"{worker.url()}/{probe}").status_code for probe in ("livez", "readyz")]

        door.open()
        ended = service.ended(run)

        assert meanwhile == [200, 503]
        assert ended["status"] == "completed"
        assert web.get(f"{worker.url()}/readyz").status_code == 200


def test_a_worker_started_before_its_database_is_created_waits_and_then_brings_it_up_to_date(
    tmp_path: Path, postgres_dsn: str, witness: Witness
) -> None:
    later = f"{postgres_dsn}_later"
    with commands(tmp_path / "weft", {"WEFT_DATABASE_URL": later, **witness.variables}, witness.package) as started:
        worker = started.start("worker")
        until(lambda: worker.log(WAITING), "a word about waiting")

        execute(postgres_dsn, f'CREATE DATABASE "{urlsplit(later).path[1:]}"')
        service = Rest(started.serve("--no-worker").url())

        assert service.ended(service.start(chain("one")))["status"] == "completed"
        assert [call.pid for call in witness.calls()] == [worker.pid]


def test_a_worker_whose_database_goes_away_and_comes_back_finishes_what_it_had(
    tmp_path: Path, new_postgres_database: Callable[[], str], witness: Witness
) -> None:
    direct = new_postgres_database()
    port = urlsplit(direct).port or 0
    with closed_door(port) as door, commands(tmp_path / "weft", witness.variables, witness.package) as started:
        door.open()
        through = direct.replace(f":{port}/", f":{door.port}/")
        service = Rest(started.serve("--no-worker", WEFT_DATABASE_URL=direct).url())
        worker = started.worker(WEFT_DATABASE_URL=through)
        run = service.start(chain("before", "held", "after"))
        Site(started, witness, direct).holder([worker])

        door.close()
        witness.open("gate")
        until(lambda: worker.log("store does not answer; trying again"), "a word about the store")
        door.open()
        ended = service.ended(run)

    assert ended["output"] == {"calls": ["before", "held", "after"]}
    assert [call.name for call in witness.calls()] == ["before", "held", "after"]


def test_a_worker_that_waits_can_be_stopped(tmp_path: Path, postgres_dsn: str) -> None:
    with commands(tmp_path / "weft", {"WEFT_DATABASE_URL": f"{postgres_dsn}_never"}) as started:
        worker = started.start("worker")
        until(lambda: worker.log(WAITING), "a word about waiting")

        worker.ask_to_stop()

        assert worker.ended(5.0) == 0
