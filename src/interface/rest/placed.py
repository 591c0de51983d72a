"""The answer to whoever puts something where it stays."""

from http import HTTPStatus

from fastapi import Response


def placed(response: Response, location: str, *, fresh: bool) -> None:
    """Says where it stands, and by 200 in place of 201 that it is not `fresh`."""
    response.headers["Location"] = location
    if not fresh:
        response.status_code = HTTPStatus.OK
