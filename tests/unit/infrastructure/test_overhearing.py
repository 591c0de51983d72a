"""What tools in processes say is heard, however much is to be said about it."""

import logging
import multiprocessing
import os
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from infrastructure.tools.overhearing import AT_ONCE, Mouth


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    ours, theirs = multiprocessing.Pipe(duplex=False)
    monkeypatch.setattr(Mouth, "pipe", theirs)
    with ours, theirs:
        yield ours.fileno()


@pytest.mark.parametrize("text", ["/n#1" * 1_200, '\n\t"' * 2_000, "é" * 5_000], ids=["long", "escaped", "many bytes"])
def test_a_line_is_said_at_once_however_long_what_it_is_about_may_be(heard: int, text: str) -> None:
    record: Any = logging.makeLogRecord({"name": "weft.tools.t", "levelno": logging.INFO, "msg": text, "activation": text, "tool": "t"})

    Mouth().emit(record)

    line = os.read(heard, 10 * AT_ONCE)
    said = orjson.loads(line)
    assert len(line) <= AT_ONCE
    assert said["about"]["tool"] == "t"
    assert said["about"]["activation"] == text[: len(said["about"]["activation"])] != ""
    assert said["text"] != ""
