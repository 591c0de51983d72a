"""What is said of figures under load: details of a case, bounds on them, and the table."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from benchmarks.figures import Figures, figures_of
from benchmarks.page import PAGE
from benchmarks.survive.bell import settled_in
from benchmarks.survive.client import connected, start_many
from benchmarks.survive.cluster import worked
from benchmarks.survive.demands import LOADS, as_fast_again, at_least, each_detail, of
from benchmarks.survive.million import PER_COPY, _in_portions, _Original
from benchmarks.survive.plan import PLAN
from benchmarks.survive.quantiles import milliseconds
from benchmarks.survive.table import loads_text
from tests.unit.benchmarks.test_figures import MACHINE


def line(number: int, case: str, value: float, **details: float) -> dict[str, Any]:
    return {"round": number, "who": "weft 1.0", "case": case, "value": value, "peak_mib": 90.0, "details": details}


def measured(*lines: dict[str, Any]) -> Figures:
    return figures_of(each_detail([{"case": "machine"}, *lines]))


def test_every_figure_that_is_shown_is_measured_by_the_plan() -> None:
    measured_cases = {step.case for step in PLAN}

    for load in LOADS:
        assert {load.case, *(case for _, case in load.peers)} <= measured_cases, load.title


def test_a_detail_of_a_case_has_a_spread_of_its_own() -> None:
    figures = measured(line(1, "moment", 5, p99=20), line(2, "moment", 7, p99=30), line(3, "moment", 6, p99=40))

    spread = figures.spread("weft", "moment:p99")

    assert spread is not None
    assert (spread.least, spread.median, spread.most) == (20, 30, 40)


@pytest.mark.parametrize(("least", "met"), [(1499, True), (1500, True), (1501, False)])
def test_a_rate_must_reach_its_bound(least: float, met: bool) -> None:
    assert at_least(least, "starts/s")(measured(line(1, "accepted", 1500)), "accepted").met is met


def test_a_bound_on_a_detail_judges_that_and_says_so() -> None:
    verdict = of("p99", at_least(50, "ms"))(measured(line(1, "moment", 1, p99=49)), "moment")

    assert (verdict.demand, verdict.found, verdict.met) == ("p99 ≥ 50 ms", 49, False)


@pytest.mark.parametrize(("two", "met"), [(40.0, True), (41.0, False)])
def test_two_workers_are_compared_with_one_in_the_same_round(two: float, met: bool) -> None:
    figures = measured(line(1, "one", 60), line(1, "two", two), line(2, "one", 600))

    assert as_fast_again("one", 1.5)(figures, "two").met is met


def test_what_was_not_measured_meets_nothing() -> None:
    figures = measured()

    assert not any(verdict.met for load in LOADS for verdict in load.verdicts(figures))


def test_the_table_has_every_load_with_its_details_and_what_was_missed() -> None:
    text = loads_text(measured(line(1, "million.postgres", 6.5, p99=34.3, worst=60)), MACHINE, 1)

    assert "| **p50 6.5 ms** (6.5 to 6.5)<br>p99 34.3 ms<br>longest 60.0 ms |" in text
    assert "p99 ≤ 20 ms: **34.3, missed**" in text
    assert all(load.title in text for load in LOADS)


def test_the_page_has_a_place_for_the_table() -> None:
    text = PAGE.read_text()

    assert text.index("## Under load") < text.index("<!-- load:begin -->") < text.index("<!-- load:end -->")


def test_ninety_nine_of_a_hundred_stay_below_the_second_figure() -> None:
    figures = milliseconds([number / 1000 for number in range(1, 101)])

    assert (figures["value"], figures["details"]) == (50.5, {"p99": 100.0, "worst": 100.0})


def test_a_copy_of_a_thread_has_names_of_its_own_also_within_its_rows_and_no_row_is_lost() -> None:
    rows = [("aaaaaa-thread", number, b'{"run":"bbbbbb-run","at":1}') for number in range(3)]
    original = _Original("journal", ("thread", "position", "body"), rows)

    copies = list(original.copies(range(1, 3), {"aaaaaa-thread": "bbbbbb-run"}))

    assert copies[0] == ("000001-thread", 0, b'{"run":"000001-run","at":1}')
    assert [(row[0], row[1]) for row in copies] == [(f"00000{copy}-thread", number) for copy in (1, 2) for number in range(3)]


def test_rows_go_to_the_server_in_portions_and_none_is_lost_between_two() -> None:
    rows = [(number,) for number in range(2 * PER_COPY + 1)]

    portions = list(_in_portions(iter(rows)))

    assert [len(portion) for portion in portions] == [PER_COPY, PER_COPY, 1]
    assert [row for portion in portions for row in portion] == rows


def test_processor_time_is_that_of_all_processes_and_one_that_is_gone_has_none() -> None:
    assert worked([1]) >= 0
    assert worked([2**22 + 1]) == 0


def test_the_package_with_the_tool_can_be_found_by_its_entry_point(tmp_path: Path) -> None:
    package = settled_in(tmp_path)

    assert "ring = bell_tools:ring" in (package / "bell_tools-1.0.dist-info" / "entry_points.txt").read_text()
    compile((package / "bell_tools.py").read_text(), "bell_tools.py", "exec")


async def test_the_client_sends_every_order_once_over_connections_that_it_keeps() -> None:
    seen: list[tuple[object, bytes]] = []
    answering: list[asyncio.Task[None] | None] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.append(asyncio.current_task())
        while head := await _head(reader):
            length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
            seen.append((writer, await reader.readexactly(length)))
            writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, connected(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", 4) as connections:
        await start_many(connections, b"order", 50)
    await asyncio.gather(*(task for task in answering if task))

    assert [body for _, body in seen] == [b"order"] * 50
    assert len({id(writer) for writer, _ in seen}) == 4


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
