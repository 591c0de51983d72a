"""`rest-api.md`: from the OpenAPI document that the service itself publishes."""

from collections.abc import Iterator
from typing import Any, Final

from tools.reference_pages.markdown import code, default_of, members, page, table, type_of

_ABOUT: Final = """\
A service describes itself at `/openapi.json`, and for people at `/docs`. Bodies are JSON, or YAML with `Content-Type:
application/yaml`; at most 10 MiB. A key goes in `Authorization: Bearer KEY` or `X-API-Key`. Lists answer `{items, next_cursor}`.
Errors are `application/problem+json`: see [errors](errors.md). Besides the statuses listed, every route under `/v1` may answer
401, 403, 422, 500 and 503."""

_OF_EVERY_ROUTE = {"401", "403", "422", "500", "503"}


def rest_page(openapi: dict[str, Any]) -> str:
    models = openapi["components"]["schemas"]
    return page(
        "REST API",
        _ABOUT,
        *_routes(openapi),
        "## Models",
        *(_model(name, schema) for name, schema in sorted(models.items()) if "properties" in schema or "enum" in schema),
    )


def _routes(openapi: dict[str, Any]) -> Iterator[str]:
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            yield _route(f"{method.upper()} {path}", operation)


def _route(title: str, operation: dict[str, Any]) -> str:
    parts = [f"## {title}", operation.get("description", ""), _parameters(operation), _body(operation), _answers(operation)]
    return "\n\n".join(part.rstrip() for part in parts if part)


def _parameters(operation: dict[str, Any]) -> str:
    rows = [
        (code(given["name"]), given["in"], type_of(given["schema"]), default_of(given["schema"]), given.get("description", ""))
        for given in operation.get("parameters", ())
    ]
    return table(("parameter", "in", "type", "default", ""), rows) if rows else ""


def _body(operation: dict[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    if not content:
        return ""
    schema = content["application/json"]["schema"]
    return f"Body: {_linked(type_of(schema)) if '$ref' in schema else schema.get('description', 'an object.')}"


def _answers(operation: dict[str, Any]) -> str:
    told = {status: answer for status, answer in operation["responses"].items() if status not in _OF_EVERY_ROUTE}
    return "Answers: " + "; ".join(_answer(status, answer) for status, answer in sorted(told.items()))


def _answer(status: str, answer: dict[str, Any]) -> str:
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    what = _linked(type_of(schema)) if "$ref" in schema else str(answer.get("description", "")).rstrip(".")
    return f"{status} {what}".rstrip()


def _linked(model: str) -> str:
    return f"[{model}](#{model.lower().replace('[', '').replace(']', '')})"


def _model(name: str, schema: dict[str, Any]) -> str:
    about = schema.get("description", "")
    body = members(schema) if "properties" in schema else f"One of {type_of(schema)}."
    return f"### {name}\n\n{about}\n\n{body}" if about else f"### {name}\n\n{body}"
