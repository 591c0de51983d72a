"""Lines of a pipe, and of a log, within bounds."""

import asyncio

import pytest

from infrastructure.tools.mcp.lines import TooLong, cut_lines, lines
from infrastructure.tools.mcp.server_log import LINES, WINDOW_SECONDS, ServerLog


def a_pipe(*pieces: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    for piece in pieces:
        reader.feed_data(piece)
    reader.feed_eof()
    return reader


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param([b"a\nb\n"], [b"a", b"b"], id="two lines"),
        pytest.param([b"a\nb"], [b"a", b"b"], id="the last one has no end"),
        pytest.param([b"\n\n"], [b"", b""], id="empty ones"),
        pytest.param([b"x" * 100 + b"\n" + b"y" * 100], [b"x" * 100, b"y" * 100], id="as long as they may be"),
        pytest.param([], [], id="nothing"),
    ],
)
async def test_lines(pieces: list[bytes], expected: list[bytes]) -> None:
    assert [line async for line in lines(a_pipe(*pieces), 100)] == expected


async def test_a_line_that_is_too_long_is_not_waited_for() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"x" * 101)

    with pytest.raises(TooLong):
        async for _ in lines(reader, 100):
            pass


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param([b"a\nb"], [b"a", b"b"], id="short ones are whole"),
        pytest.param([b"x" * 250 + b"\nnext\n"], [b"x" * 100, b"next"], id="a long one is cut"),
        pytest.param([b"x" * 200_000 + b"\nnext"], [b"x" * 100, b"next"], id="however long it is"),
    ],
)
async def test_lines_that_are_cut(pieces: list[bytes], expected: list[bytes]) -> None:
    assert [line async for line in cut_lines(a_pipe(*pieces), 100)] == expected


def test_a_log_has_so_many_lines_in_a_window_and_tells_how_many_it_left_out(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    time = [0.0]
    log = ServerLog("git", lambda text: text.replace("s3cret", "(secret)"), lambda: time[0])

    for number in range(LINES + 7):
        log.say(f"line {number} s3cret \x1b[31m")
    time[0] = WINDOW_SECONDS
    log.say("after it")
    said = [record.getMessage() for record in caplog.records]

    assert len(said) == LINES + 2
    assert said[0] == "mcp server git: line 0 (secret) \ufffd[31m"
    assert said[-2:] == ["mcp server git: 7 more lines are not shown", "mcp server git: after it"]
