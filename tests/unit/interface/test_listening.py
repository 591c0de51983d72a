"""The socket that a service listens on."""

import socket

import pytest

from interface.cli.failures import CommandFailed
from interface.cli.serving import listen_on


def test_connections_send_without_waiting_for_acknowledgements() -> None:
    with listen_on("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        connection, _ = listening.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_taken_port_is_said() -> None:
    with listen_on("127.0.0.1", 0) as listening, pytest.raises(CommandFailed, match="cannot listen on"):
        listen_on("127.0.0.1", listening.getsockname()[1])
