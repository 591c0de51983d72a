"""Documents and bodies as what is wanted: everything that does not fit is pointed at."""

from typing import Final, TypeVar

from pydantic import BaseModel, JsonValue
from pydantic import ValidationError as Misfit

from application.errors import Problem, ValidationError

M = TypeVar("M", bound=BaseModel)

_CODES: Final = {"extra_forbidden": "unknown_field"}


def fitted(model: type[M], document: JsonValue) -> M:
    """`ValidationError` with a pointer for everything that does not fit."""
    try:
        return model.model_validate(document)
    except Misfit as misfit:
        raise _refusal(misfit, document) from misfit


def _refusal(misfit: Misfit, document: JsonValue) -> ValidationError:
    found: dict[str, Problem] = {}
    for error in misfit.errors(include_url=False, include_context=False, include_input=False):
        pointer = _pointer(document, error["loc"], missing=error["type"] == "missing")
        found.setdefault(pointer, Problem(pointer, _CODES.get(error["type"], error["type"]), error["msg"]))
    return ValidationError("the body does not fit: see `problems`", list(found.values()))


def _pointer(document: JsonValue, steps: tuple[str | int, ...], *, missing: bool) -> str:
    """Where an error lies. Of the steps pydantic names, those that lead nowhere in the document are its own (the branch of a union)."""
    pointer = ""
    here = document
    for number, step in enumerate(steps):
        if isinstance(here, dict) and step in here:
            here = here[str(step)]
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            here = here[step]
        elif not (missing and number == len(steps) - 1):
            continue
        pointer += "/" + str(step).replace("~", "~0").replace("/", "~1")
    return pointer
