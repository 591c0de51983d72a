"""Settings as `weft config show` shows them: where each comes from, and no secret."""

import os
from dataclasses import dataclass

from settings import PREFIX, Settings, files_of, without_password


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """One line of `weft config show`."""

    name: str
    variable: str
    value: str
    source: str
    description: str


def shown(settings: Settings) -> list[ShownSetting]:
    """Every setting, secrets hidden, and where it came from: `default`, `file`, `environment` or `flag`."""
    environment = {key[len(PREFIX) :].lower().split("__")[0] for key in os.environ if key.upper().startswith(PREFIX)}
    files = {key for source in files_of(type(settings)) for key in source()}
    sources = [("environment", environment), ("file", files)]
    return [_shown(settings, name, sources) for name in Settings.model_fields]


def _shown(settings: Settings, name: str, sources: list[tuple[str, set[str]]]) -> ShownSetting:
    field = Settings.model_fields[name]
    value = getattr(settings, name)
    source = "default"
    if name in settings.model_fields_set:
        source = next((label for label, names in sources if name in names), "flag")
    return ShownSetting(name, PREFIX + name.upper(), _hidden(name, value), source, field.description or "")


def _hidden(name: str, value: object) -> str:
    if name == "api_keys":
        return "(hidden)" if value else ""
    if name in ("database_url", "redis_url") and value is not None:
        return without_password(str(value))
    if name == "model_endpoints" and isinstance(value, dict):
        return str({model: {key: "(hidden)" if key == "api_key" else kept for key, kept in row.items()} for model, row in value.items()})
    if name == "mcp_servers" and isinstance(value, dict):
        return str({server: {key: _without_secrets(key, kept) for key, kept in row.items()} for server, row in value.items()})
    return "" if value is None else str(value)


def _without_secrets(key: str, value: object) -> object:
    """Of an MCP server. A token may be among the arguments of a command and in the query of a URL."""
    if key in ("env", "headers"):
        return "(hidden)"
    if key == "command" and isinstance(value, list | tuple):
        return [*value[:1], *(["(hidden)"] if len(value) > 1 else [])]
    if key == "url" and isinstance(value, str) and "?" in value:
        return f"{value.partition('?')[0]}?(hidden)"
    return value
