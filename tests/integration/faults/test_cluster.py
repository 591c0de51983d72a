"""`make cluster`: a whole Weft that works, and is gone after Ctrl-C."""

import re
import signal
from pathlib import Path

import httpx
import pytest

from tests.architecture.places import ROOT
from tests.integration.faults.load import standard
from tests.servers import web
from tests.servers.commands import commands
from tests.servers.rest import Rest
from tests.servers.until import until

pytestmark = [pytest.mark.processes, pytest.mark.postgres, pytest.mark.faults]


def test_a_cluster_runs_a_workflow_and_stops_with_everything_it_started(tmp_path: Path) -> None:
    with commands(tmp_path, {}, ROOT) as started:
        cluster = started.module("tests.integration.faults.cluster", "--apis", "1", "--workers", "1", PYTHONUNBUFFERED="1")
        until(lambda: "Ctrl-C" in cluster.out.read_text() or not cluster.is_alive, "a cluster", 60)
        told = cluster.out.read_text()
        api = Rest(re.findall(r"API +(\S+)", told)[0])

        ended = api.ended(api.start(standard()), 30)
        cluster.ask_to_stop(signal.SIGINT)

        assert cluster.ended(60) == 0, cluster.told()
        assert ended["status"] == "completed"
        with pytest.raises(httpx.TransportError):
            web.get(api.url)
        assert not Path(f"/proc/{re.findall(r'worker +([0-9]+)', told)[0]}").exists()
