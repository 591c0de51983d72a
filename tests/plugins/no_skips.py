"""What did not run is said at the end with the reason; with CI=true a skipped test fails instead.

A reason should end in the command that would get what is missing.
"""

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _judged((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _judged((yield))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report for report in terminalreporter.getreports("skipped") if isinstance(report, pytest.TestReport | pytest.CollectReport)]
    if not skipped:
        return
    terminalreporter.section("not run here; with CI=true these fail")
    for report in skipped:
        terminalreporter.line(f"{report.nodeid}: {_reason(report)}")


def _judged(report: Report) -> Report:
    """The report, as a failure where a skip is one. An expected failure (xfail) is no skip."""
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and CI=true allows no skips: {_reason(report)}"
    return report


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    return str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
