"""Small documents of services, and what becomes of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from application.openapi import Import, Imported, Wanted, gathered
from infrastructure.schemas import JsonSchemas
from infrastructure.tools.described import ToolDocument

Members = dict[str, Any]
SERVER = "https://api.example.com/v1"


def openapi(paths: Mapping[str, Any], version: str = "3.0.3", **more: Any) -> Members:
    return {"openapi": version, "info": {"title": "A service", "version": "7"}, "servers": [{"url": SERVER}], "paths": paths, **more}


def swagger(paths: Mapping[str, Any], **more: Any) -> Members:
    return {"swagger": "2.0", "host": "api.example.com", "basePath": "/v1", "paths": paths, **more}


@dataclass(frozen=True, slots=True)
class Result:
    """`tools`: the documents, by operation."""

    tools: dict[str, Any]
    told: Imported


def imported(document: Members, **wanted: Any) -> Result:
    """Every tool is a document as a service takes it, and its schemas compile."""
    outcomes = list(Import.of(document, Wanted(**wanted), JsonSchemas()))
    tools = {one.operation: dict(one.tool) for one in outcomes if one.tool is not None}
    for tool in tools.values():
        ToolDocument.model_validate(tool)
        JsonSchemas().compile(tool["parameters"])
        JsonSchemas().compile(tool["returns"])
    return Result(tools, gathered(outcomes))


def only_tool(document: Members, **wanted: Any) -> Any:
    found = imported(document, **wanted)
    assert [one.problem.message for one in found.told.left_out] == []
    (tool,) = found.tools.values()
    return tool


def reason(document: Members, **wanted: Any) -> tuple[str, str]:
    """Code and pointer of why its one operation is left out."""
    found = imported(document, **wanted)
    assert found.tools == {}
    (one,) = found.told.left_out
    return one.problem.code, one.problem.pointer


def taking(schema: Any, components: Any = None, version: str = "3.0.3") -> Members:
    """A document with one operation, whose body has this schema."""
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return openapi({"/things": {"post": {"requestBody": body}}}, version, components={"schemas": components or {}})


def asking(*parameters: Any, path: str = "/things", version: str = "3.0.3") -> Members:
    """A document with one operation, that has these parameters."""
    return openapi({path: {"get": {"parameters": list(parameters)}}}, version)
