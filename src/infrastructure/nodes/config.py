"""What the configs of all kinds share."""

from functools import cache
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from domain.graph.definition import Node
from domain.json import JsonObject

Written: TypeAlias = Any
"""JSON as the author wrote it; strings in it may hold `${...}`."""
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]
Config = TypeVar("Config", bound="NodeConfig")


class NodeConfig(BaseModel):
    """The keys that only one kind has. Its JSON Schema is made from it; other keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


@cache
def schema_of(config: type[NodeConfig]) -> JsonObject:
    schema = config.model_json_schema()
    return {key: value for key, value in schema.items() if key not in ("title", "description")}


def read_config(config: type[Config], node: Node) -> Config:
    """The node's keys; they have been checked against the kind's schema."""
    return config.model_validate(dict(node.config))
