"""What `weft doctor` says."""

from enum import StrEnum

from application.views import View


class Verdict(StrEnum):
    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


class FindingView(View):
    """`do` is empty when there is nothing to do."""

    what: str
    verdict: Verdict
    says: str
    do: str = ""


class ExaminationView(View):
    """`healthy`: nothing failed."""

    healthy: bool
    findings: list[FindingView]


def ok(what: str, says: str) -> FindingView:
    return FindingView(what=what, verdict=Verdict.OK, says=says)


def warn(what: str, says: str, do: str) -> FindingView:
    return FindingView(what=what, verdict=Verdict.WARN, says=says, do=do)


def fail(what: str, says: str, do: str) -> FindingView:
    return FindingView(what=what, verdict=Verdict.FAIL, says=says, do=do)
