"""Calendars and clocks on walls: what "every weekday at nine" means somewhere."""

from typing import Protocol

from domain.due import NextTime


class Calendar(Protocol):
    def cron(self, written: str, time_zone: str) -> NextTime:
        """The times of a cron expression of 5 fields, or 6 with seconds first, by the clocks of an IANA zone; in UTC, whole seconds.

        As Debian's cron does it: of a time that a change of clocks leaves out the next one there is stands in, and one that comes twice
        is due once, unless it is more often than hourly. `ValidationError` at `/cron` or `/time_zone` for what is neither.
        """

    def check_zone(self, time_zone: str) -> None:
        """`ValidationError` at `/time_zone` for what is no zone."""
