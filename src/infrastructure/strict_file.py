"""A file of its owner's, YAML or JSON, in which nothing can be said twice: of two rules under one key the first would be silently gone."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domain.errors import FactoryError
from domain.json import Json

if TYPE_CHECKING:
    import yaml


def document_in(file: Path, setting: str) -> Json:
    """`FactoryError`, which names the setting, for what cannot be read or is neither."""
    try:
        text = file.read_text(encoding="utf-8-sig")
        found: Json = json.loads(text, object_pairs_hook=_once) if file.suffix == ".json" else _yaml(text)
    except (OSError, ValueError, RecursionError) as error:
        raise FactoryError(f"{setting}: {file}: {error}") from error
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"`{key}` is there twice in one object")
        found[key] = value
    return found


def _yaml(text: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    def construct(loader: yaml.SafeLoader, node: "yaml.MappingNode") -> dict[Any, Any]:
        pairs = [(loader.construct_object(key, deep=True), loader.construct_object(value, deep=True)) for key, value in node.value]
        return _once(pairs)

    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, construct)
    try:
        return yaml.load(text, Loader)  # noqa: S506 - a SafeLoader that takes less
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
