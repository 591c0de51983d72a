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


def test_models_that_cannot_be_called_are_told_with_the_variable_to_set(weft: Weft) -> None:
    weft("db", "upgrade")
    chosen = {
        "WEFT_MODELS__smart": "openai/gpt-4o-mini",
        "WEFT_MODELS__odd": "opnai/gpt",
        "WEFT_MODELS__quick": "mistral/mistral-small-latest",
    }
    found = weft("doctor", **chosen, MISTRAL_API_KEY="not-to-be-shown")

    lines = dict(line.split("\t")[1::-1] for line in found.out.splitlines())
    assert found.code == 1
    assert {name: lines[f"model {name}"] for name in ("fast", "smart", "odd", "quick")} == {
        "fast": "OK",
        "smart": "FAIL",
        "odd": "FAIL",
        "quick": "OK",
    }
    assert "set OPENAI_API_KEY where Weft runs" in found.out
    assert "nobody knows opnai/gpt" in found.out
    assert "not-to-be-shown" not in found.out + found.err


def test_a_file_of_scripts_that_is_not_there_fails_and_the_rest_is_examined(weft: Weft) -> None:
    weft("db", "upgrade")
    found = weft("doctor", WEFT_SCRIPTS="nowhere.yaml")

    assert found.code == 1
    assert [line.split("\t")[1] for line in found.out.splitlines() if line.startswith("FAIL")] == ["models"]
    assert "OK\tdatabase" in found.out


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
