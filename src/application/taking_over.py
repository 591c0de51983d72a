"""The money of a run that another worker had before."""

from collections.abc import Sequence
from dataclasses import replace

from application.drive import Drive
from domain.usage import UsageRow, charged


def recount(drive: Drive, lines: Sequence[UsageRow]) -> None:
    """A worker that had lost the run may have counted what no row of it says."""
    usage = charged(lines)
    if usage != drive.run.usage:
        drive.run, drive.has_news = replace(drive.run, usage=usage), True


def charge_lost(drive: Drive, reserved: Sequence[UsageRow]) -> None:
    """Calls of workers before this one, whose outcome was lost with them, are charged what was reserved."""
    for row in drive.account.take_over(reserved):
        drive.charge(row.usage, row.state)
