"""What is logged, in processes of their own: a configuration belongs to a whole process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ValidationError
from infrastructure.telemetry.levels import Levels, parse_levels

SRC = Path(__file__).parents[3] / "src"
TALK = """
import logging, structlog
from infrastructure.telemetry.logging import configure
early = structlog.get_logger("application.engine")
configure({spec!r}, pretty={pretty})
with structlog.contextvars.bound_contextvars(run="r-1", thread="t-1"):
    early.debug("planned", node="a", seconds=0.5)
    early.info("started", cost=__import__("decimal").Decimal("0.10"))
structlog.get_logger("application.engine.plan").debug("deeper")
structlog.get_logger("application.working").debug("claimed")
structlog.get_logger("application.working").warning("slow", names={{"é"}})
logging.getLogger("some.library").info("chatter")
logging.getLogger("some.library").warning("something is %s", "odd")
logging.getLogger("infrastructure.store").info("migrated to %s", 3)
try:
    1 / 0
except ZeroDivisionError:
    structlog.get_logger("interface.rest").exception("broke")
"""


def spoken(spec: str, pretty: bool = False) -> tuple[str, str]:
    """What the talk above writes to stdout and stderr."""
    return heard(TALK.format(spec=spec, pretty=pretty))


def heard(code: str) -> tuple[str, str]:
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60, env=environment)
    return done.stdout, done.stderr


def lines(spec: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in spoken(spec)[1].splitlines()]


def said(spec: str) -> list[str]:
    return [line["event"] for line in lines(spec)]


def test_every_line_is_json_with_what_its_context_binds() -> None:
    found = lines("info")

    begun = next(line for line in found if line["event"] == "started")
    assert {"run": "r-1", "thread": "t-1", "level": "info", "logger": "application.engine", "cost": "0.10"}.items() <= begun.items()
    assert begun["timestamp"].endswith("Z")
    broke = next(line for line in found if line["event"] == "broke")
    assert "ZeroDivisionError" in broke["exception"]
    assert "run" not in broke, "what was bound is not in the lines after"


def test_nothing_goes_to_stdout() -> None:
    assert spoken("debug")[0] == ""


SECRET = "ghp_9f8sT2kLqWv0ZxY7"
CARELESS = """
import logging, structlog
from infrastructure.secrets.redactor import Redactor
from infrastructure.telemetry.logging import configure

class Odd:
    def __repr__(self):
        return f"Odd({secret!r})"

secret, redactor = "ghp_9f8sT2kLqWv0ZxY7", Redactor()
configure("info", pretty="PRETTY" == "yes", redact=redactor)
redactor.remember("github", secret)
log = structlog.get_logger("application.engine")
log.info(f"got {secret}", token=secret, deep={"a": [Odd(), secret], secret: b"x" + secret.encode()}, **{secret: 1})
logging.getLogger("some.library").warning("GET /?token=%s by %r", secret, Odd())
structlog.contextvars.bind_contextvars(run=secret)
try:
    try:
        raise KeyError(secret)
    except KeyError as error:
        raise RuntimeError(f"no {secret}") from error
except RuntimeError:
    log.exception("broke")
    logging.getLogger("some.library").exception("broke too")
import threading
thread = threading.Thread(target=lambda: {}[secret], name="worker")
thread.start()
thread.join()
logging.getLogger("some.library").warning("%d", secret)
"""


@pytest.mark.parametrize("pretty", [False, True])
def test_no_line_and_no_traceback_holds_a_secret(pretty: bool) -> None:
    _, written = heard(CARELESS.replace("PRETTY", "yes" if pretty else "no"))

    assert written.count("[secret github]") >= 13
    assert SECRET not in written
    if not pretty:
        *told, broken = written.splitlines()
        assert [json.loads(line)["event"] for line in told] == [
            "got [secret github]",
            "GET /?token=[secret github] by Odd('[secret github]')",
            "broke",
            "broke too",
            "worker died",
        ]
        assert broken.startswith("a line of some.library"), "what cannot be logged does not show what it would have been"


@pytest.mark.parametrize(
    ("spec", "events"),
    [
        pytest.param("info", ["started", "slow", "something is odd", "migrated to 3", "broke"], id="libraries are heard from warning on"),
        pytest.param("error", ["broke"], id="one level for everything"),
        pytest.param(
            "application.engine=debug,info",
            ["planned", "started", "deeper", "slow", "something is odd", "migrated to 3", "broke"],
            id="one module and all below it says more",
        ),
        pytest.param("info,application=error", ["something is odd", "migrated to 3", "broke"], id="one module says less"),
        pytest.param("error,some.library=info", ["chatter", "something is odd", "broke"], id="a library that is named is heard"),
    ],
)
def test_what_is_said_at(spec: str, events: list[str]) -> None:
    assert said(spec) == events


def test_for_people_lines_are_not_json() -> None:
    _, written = spoken("info", pretty=True)

    assert "started" in written
    assert "run" in written
    assert not written.lstrip().startswith("{")


@pytest.mark.parametrize(
    ("spec", "levels"),
    [
        pytest.param("", Levels(20, {}), id="nothing said is info"),
        pytest.param("WARNING", Levels(30, {}), id="case does not matter"),
        pytest.param(" a.b=debug , error ", Levels(40, {"a.b": 10}), id="spaces do not matter"),
        pytest.param("a=info,a=error,debug,info", Levels(20, {"a": 40}), id="the later one holds"),
    ],
)
def test_levels_are_read(spec: str, levels: Levels) -> None:
    assert parse_levels(spec) == levels


@pytest.mark.parametrize("spec", ["loud", "a.b=loud", "=debug", "a.b", "a=b=c"])
def test_levels_that_cannot_be_read_name_the_setting(spec: str) -> None:
    with pytest.raises(ValidationError, match="WEFT_LOG"):
        parse_levels(spec)
