"""Secrets of an installation, and what else its owner has set that nobody else may see."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from domain.errors import FactoryError, Problem, ValidationError
from domain.secret import SecretBinding
from infrastructure.models.providers import KEY_VARIABLES
from infrastructure.secrets.patterns import Patterns
from infrastructure.secrets.redactor import Redactor
from infrastructure.secrets.resolver import BoundSecrets
from infrastructure.secrets.sources import Unreadable, sources_of, text_of, without_end
from settings import PREFIX, Settings
from wiring.plain_secrets import plain_secrets


def secrets_of(settings: Settings, redactor: Redactor) -> BoundSecrets:
    """`ValidationError` names the variable of one that no package keeps."""
    bindings = {name: row.binding(name) for name, row in settings.secrets.items()}
    try:
        sources = sources_of((bound.source for bound in bindings.values()), os.environ)
    except FactoryError as error:
        message = f"{PREFIX}SECRETS: {error.message}"
        raise ValidationError(message, [Problem("", "bad_setting", message)]) from error
    return BoundSecrets(bindings, sources, redactor)


def redactor_of(settings: Settings) -> Redactor:
    """Knows everything secret that can be known before anybody asks. What is too short stands in too many texts, and stays."""
    redactor = Redactor(Patterns(settings.redact)) if settings.redact else Redactor()
    for name, value in _known(settings, os.environ):
        redactor.remember(name, value)
    for name, row in settings.secrets.items():
        bound = row.binding(name)
        redactor.remember(name, _lying_about(bound, os.environ), bound.tenants)
    return redactor


def _known(settings: Settings, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key in settings.api_keys:
        yield "WEFT_API_KEYS", key.get_secret_value()
    for row in settings.model_endpoints.values():
        if "${" not in row.get("api_key", ""):
            yield "WEFT_MODEL_ENDPOINTS", row.get("api_key", "")
    for url, name in ((settings.database_url, "WEFT_DATABASE_URL"), (settings.redis_url or "", "WEFT_REDIS_URL")):
        yield name, _password_of(url)
    for variable in {variable for variables in KEY_VARIABLES.values() for variable in variables} & environment.keys():
        yield variable, environment[variable]
    for row in settings.mcp_servers.values():
        for value in plain_secrets(row):
            yield "WEFT_MCP_SERVERS", value


def _lying_about(bound: SecretBinding, environment: Mapping[str, str]) -> str:
    """Of a secret that is at hand its value, else nothing: whoever uses it is told why."""
    if bound.source == "file":
        with suppress(Unreadable):
            return text_of(Path(bound.place))
    return without_end(environment.get(bound.place, "")) if bound.source == "env" else ""


def _password_of(url: str) -> str:
    """Empty when it also stands elsewhere in its own URL, as `postgres` does: everybody knows it, and it is in half of all texts."""
    try:
        password = unquote(urlsplit(url).password or "")
    except ValueError:
        return ""
    rest = url.replace(f":{urlsplit(url).password}@", "@", 1)
    return "" if password in rest else password
