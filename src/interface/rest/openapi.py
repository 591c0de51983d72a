"""The published description of the API, with the answers to everything that can go wrong."""

from http import HTTPStatus
from typing import Any, TypeAlias

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from interface.rest.problems import MEDIA_TYPE, ProblemDocument

REF = "#/components/schemas/{model}"
_ALWAYS = (401, 403, 422, 429, 500, 503)

OpenApi: TypeAlias = dict[str, Any]
"""A part of an OpenAPI document."""
Responses: TypeAlias = dict[int | str, OpenApi]


def fail(status: int, description: str = "") -> Responses:
    content = {MEDIA_TYPE: {"schema": {"$ref": REF.format(model=ProblemDocument.__name__)}}}
    return {status: {"description": description or HTTPStatus(status).phrase, "content": content}}


def fails(*statuses: int) -> Responses:
    """The problems a route may answer with, besides those that any route may."""
    found: Responses = {}
    for status in sorted({*_ALWAYS, *statuses}):
        found |= fail(status)
    return found


def published(app: FastAPI, bodies: tuple[type[BaseModel], ...], *, keyless: bool) -> OpenApi:
    """The OpenAPI document, made once. `bodies`: models that routes read by themselves. `keyless`: no request needs a key."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        written: list[type[BaseModel]] = [ProblemDocument, *bodies]
        _, defined = models_json_schema([(model, "validation") for model in written], ref_template=REF)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        document["components"]["schemas"] = {**defined["$defs"], **schemas}
        if keyless:
            _without_keys(document)
        app.openapi_schema = document
    return app.openapi_schema


def _without_keys(document: OpenApi) -> None:
    document["components"].pop("securitySchemes", None)
    for operations in document["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)
