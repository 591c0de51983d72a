"""The domain is plain Python: what it knows of the world comes in as arguments."""

import pytest

from tests.architecture.places import DOMAIN
from tests.architecture.purity import impurities


def test_no_module_of_the_domain_reads_the_world() -> None:
    modules = sorted(DOMAIN.rglob("*.py"))
    found = [
        f"{path.relative_to(DOMAIN.parent)}:{row}"
        for path in modules
        for row in impurities(path.read_text(), in_ports=path.parent == DOMAIN / "ports")
    ]

    assert modules
    assert found == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("from datetime import datetime\ndatetime.now()", ["2: reads the clock with .now()"], id="no clock"),
        pytest.param("import datetime as d\nd.date.today()", ["2: reads the clock with .today()"], id="no calendar"),
        pytest.param("import time", ["1: imports time"], id="no time"),
        pytest.param("import uuid", ["1: imports uuid"], id="no ids of its own"),
        pytest.param("from os import environ", ["1: imports os"], id="no environment"),
        pytest.param("import os.path", ["1: imports os.path"], id="no file system"),
        pytest.param("def f():\n    import random", ["2: imports random"], id="no chance, not even late"),
        pytest.param("open('x')", ["1: calls open()"], id="no files"),
        pytest.param("print('x')", ["1: calls print()"], id="no terminal"),
        pytest.param("async def f(): ...", ["1: waits (async stands in ports only)"], id="no waiting"),
        pytest.param("from datetime import datetime\ndef f(now: datetime) -> datetime: return now", [], id="a moment may come in"),
    ],
)
def test_what_reads_the_world_is_noticed(source: str, expected: list[str]) -> None:
    assert impurities(source) == expected


def test_a_port_may_declare_what_is_awaited_and_nothing_more() -> None:
    assert impurities("import time\nasync def f(): ...", in_ports=True) == ["1: imports time"]
