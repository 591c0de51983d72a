"""`weft doctor` and `weft workers list`, as they are typed."""

import json

import pytest

from tests.integration.cli.command import Weft
from tests.servers.redis import RedisServer

pytestmark = pytest.mark.processes


def test_a_healthy_installation_is_said_to_be_one(weft: Weft, redis_server: RedisServer) -> None:
    weft("db", "upgrade")
    found = weft("doctor", "--redis", redis_server.url, "--json")

    assert found.code == 0
    assert json.loads(found.out)["healthy"]
    assert {line["verdict"] for line in json.loads(found.out)["findings"]} == {"OK"}


def test_a_database_that_does_not_answer_fails_with_what_to_do_and_changes_nothing(weft: Weft) -> None:
    found = weft("doctor", "--database", "postgresql://weft@127.0.0.1:1/weft")

    assert found.code == 1
    assert found.out.startswith("FAIL\tdatabase\t")
    assert "WEFT_DATABASE_URL" in found.out


def test_a_redis_that_is_away_is_a_warning_and_no_failure(weft: Weft, redis_server: RedisServer) -> None:
    redis_server.kill()
    found = weft("doctor", "--redis", redis_server.url)

    assert found.code == 0
    assert [line.split("\t")[0] for line in found.out.splitlines() if "\tredis\t" in line] == ["WARN"]
    assert found.err == ""


def test_the_workers_of_a_service_are_listed(weft: Weft) -> None:
    url = weft.commands.serve().url()
    found = weft("workers", "list", "--server", url, "--json")

    assert [worker["runs"] for worker in json.loads(found.out)] == [0]
    assert weft("workers", "list", "--server", url).out.count("\t") == 6
