"""The Redis under the tests: real, found, and gone afterwards."""

import socket
from pathlib import Path

import pytest

from tests.servers import redis
from tests.servers.redis import NoRedis, RedisServer, binary, running_redis


def listens(server: RedisServer) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", server.port)) == 0


def test_a_stopped_server_listens_no_more(tmp_path: Path) -> None:
    with running_redis(tmp_path) as server:
        assert listens(server)

    assert not listens(server)


def test_a_killed_server_comes_back_empty_on_the_same_port(redis_server: RedisServer) -> None:
    redis_server.tell("SET", "a", "1")
    redis_server.kill()
    assert not listens(redis_server)
    redis_server.start()

    assert redis_server.tell("EXISTS", "a") == ":0"


def test_a_password_is_asked_for(tmp_path: Path) -> None:
    with running_redis(tmp_path, password="secret") as server, socket.create_connection(("127.0.0.1", server.port)) as stranger:
        stranger.sendall(b"*1\r\n$4\r\nPING\r\n")

        assert stranger.recv(100).startswith(b"-NOAUTH")
        assert server.tell("PING") == "+PONG"


def test_without_any_redis_the_tests_fail_and_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis, "_NAMES", ())
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    with pytest.raises(NoRedis, match="make install"):
        binary()
