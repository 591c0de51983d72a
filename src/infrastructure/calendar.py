"""Cron expressions by cronsim, zones by zoneinfo."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from domain.due import NextTime
from domain.errors import Problem, ValidationError


class CronCalendar:
    def cron(self, written: str, time_zone: str) -> NextTime:
        zone = _zone(time_zone)
        try:
            CronSim(written, datetime(2000, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise _refused("/cron", "bad_cron", f"{written!r} is no cron expression ({error}): write one like `0 9 * * MON-FRI`") from None

        def next_time(after: datetime) -> datetime | None:
            # From a time that the clocks show twice cronsim goes back to the first of the two: what it finds there is over.
            times = (due.astimezone(UTC) for due in CronSim(written, after.astimezone(zone)))
            return next((due for due in times if due > after), None)

        return next_time

    def check_zone(self, time_zone: str) -> None:
        _zone(time_zone)


def _zone(name: str) -> tzinfo:
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a name that leads to a folder, or out of it, is no zone either
        sentence = f"there is no time zone {name!r}; zones are named like `Europe/Berlin` or `UTC`"
        raise _refused("/time_zone", "bad_time_zone", sentence) from None


def _refused(pointer: str, code: str, sentence: str) -> ValidationError:
    return ValidationError(sentence, [Problem(pointer, code, sentence)])
