"""Parameters that several routes take, and the refusal of those that none knows."""

from typing import Annotated

from fastapi import Depends, Header, Query, Request

from application.errors import Problem, ValidationError
from application.paging import PageOrder

PageOf = Annotated[PageOrder, Query()]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="The same key and body within 24 hours give the same answer; the same key and another body are a conflict.",
    ),
]
Wait = Annotated[
    float,
    Query(ge=0, le=300, allow_inf_nan=False, description="Hold the answer so many seconds for the run to end or to need somebody."),
]


# A coroutine: FastAPI would send a plain function through another thread, with every request.
async def _only_known(request: Request) -> None:
    if not request.query_params:
        return
    operation = request.app.openapi()["paths"][request.scope["route"].path_format][request.method.lower()]
    known = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"}
    unknown = sorted(request.query_params.keys() - known)
    if unknown:
        sentence = f"this route takes {', '.join(sorted(known)) or 'no parameters'}"
        raise ValidationError("a parameter is not known here", [Problem(f"/query/{name}", "unknown_field", sentence) for name in unknown])


OnlyKnownParameters = Depends(_only_known)
