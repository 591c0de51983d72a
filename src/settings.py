"""What an owner can set: defaults, then `weft.toml` (or `.yaml`, `.json`), then `WEFT_*`, then flags; the later wins."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    JsonConfigSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
    YamlConfigSettingsSource,
)

from domain.errors import Problem
from domain.errors import ValidationError as BadSettings
from domain.history import Capture
from infrastructure.history.settings import CaptureSetting, DaysSetting
from infrastructure.models.setting_fields import Aliases, Endpoints, PriceLists
from infrastructure.secrets.patterns import PatternSettings
from infrastructure.secrets.settings import SecretSettings

PREFIX = "WEFT_"
FILES = ("weft.toml", "weft.yaml", "weft.json")
OFFLINE_ALIASES = {"fast": "scripted/assistant", "careful": "scripted/assistant"}


@dataclass(frozen=True, slots=True)
class DatabaseConfig:
    """`url`: `sqlite:///PATH`, `postgresql://USER:PASSWORD@HOST/NAME` or `memory:`. `connection_timeout` in seconds."""

    url: str
    max_connections: int
    connection_timeout: float


@dataclass(frozen=True, slots=True)
class LlmConfig:
    """`models`: alias -> `provider/model`, or more about it."""

    models: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WorkflowConfig:
    lease_seconds: float
    poll_seconds: float
    grace_seconds: float
    worker_runs: int


@dataclass(frozen=True, slots=True)
class AppConfig:
    database: DatabaseConfig
    llm: LlmConfig
    workflow: WorkflowConfig


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", validate_default=True, hide_input_in_errors=True
    )

    database_url: Annotated[
        str, Field(pattern=r"^(sqlite:///.+|postgresql://.+|memory:)$", description="sqlite:///PATH or postgresql://...")
    ] = "sqlite:///.weft/weft.db"
    database_max_connections: Annotated[
        int, Field(ge=4, le=1000, description="connections to PostgreSQL at most, per process, besides two for heartbeats and wake-ups")
    ] = 14
    database_connection_timeout: Annotated[float, Field(gt=0, le=300, description="seconds to wait for a free connection")] = 5.0
    redis_url: Annotated[
        str | None, Field(pattern=r"^(rediss?|unix)://.+$", description="redis://HOST:PORT/NUMBER: wake-ups and news between processes")
    ] = None
    requests_per_minute: Annotated[
        int, Field(ge=0, le=10_000_000, description="requests that one key may make in a minute, so many at once; 0: any number")
    ] = 0
    host: Annotated[str, Field(min_length=1, description="address the service listens on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="port the service listens on; 0 takes a free one")] = 8040
    metrics_port: Annotated[int | None, Field(ge=0, le=65535, description="port on which a worker shows /metrics, /livez, /readyz")] = None
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode, Field(description="keys of admins of the tenant default, comma between them")] = ()
    policy: Annotated[Path | None, Field(description="file of rules about which tools may be called; without it all may be")] = None
    jwt_issuer: Annotated[str | None, Field(min_length=1, description="who signs the tokens that open the service")] = None
    jwt_audience: Annotated[str | None, Field(min_length=1, description="what such a token names as the service it is for")] = None
    jwt_keys: Annotated[
        str | None, Field(min_length=1, description="file (JWKS or PEM) or https:// address of the issuer's public keys")
    ] = None
    jwt_tenant_claim: Annotated[str, Field(min_length=1, description="the claim of a token that names the tenant")] = "tenant"
    jwt_role_claim: Annotated[str, Field(min_length=1, description="the claim of a token that names the role, or a list of them")] = "role"
    models: Aliases = {}
    model_endpoints: Endpoints = {}
    prices: PriceLists = {}
    secrets: SecretSettings = {}
    scripts: Annotated[Path | None, Field(description="file of scripts for the offline model")] = None
    scripted_chunk_seconds: Annotated[float, Field(ge=0, le=10, description="how slowly the offline model talks")] = 0.0
    lease_seconds: Annotated[float, Field(ge=1, le=3600, description="how long a worker holds a run without a heartbeat")] = 30.0
    poll_seconds: Annotated[float, Field(ge=0.01, le=60, description="how often a worker looks for runs when nobody wakes it")] = 0.5
    grace_seconds: Annotated[float, Field(ge=0, le=3600, description="how long a stopping worker lets its nodes finish")] = 10.0
    retention_days: Annotated[
        float, Field(ge=0, le=36_500, description="finished runs and their rows are removed after so many days, at least 2; 0 keeps them")
    ] = 0.0
    history_capture: CaptureSetting = Capture.ON
    history_days: DaysSetting = 30.0
    redact: PatternSettings = {}
    webhooks_private: Annotated[bool, Field(description="webhooks may go to loopback, link-local and private addresses")] = False
    http_private: Annotated[
        tuple[str, ...], NoDecode, Field(description="hosts, host:port or networks that tools may reach though they are not public")
    ] = ()
    http_hosts: Annotated[
        tuple[str, ...], NoDecode, Field(description="the only hosts tools may reach, name or *.name; empty for any")
    ] = ()
    tools: Annotated[tuple[str, ...], NoDecode, Field(description="modules whose functions with @tool are tools, comma between them")] = ()
    workspaces: Annotated[Path | None, Field(description="folder in which the files of runs lie, for the tools files_*")] = None
    mcp_servers: Annotated[
        dict[str, dict[str, Any]], Field(description="servers of MCP whose tools are called, by name: docs/mcp.md says what stands in one")
    ] = {}
    stall_seconds: Annotated[float, Field(gt=0, le=3600, description="an event loop that is held up for so long is reported")] = 5.0
    priority_ageing_seconds: Annotated[
        float, Field(gt=0, le=86_400, description="seconds of waiting that a class of priority is worth")
    ] = 60.0
    concurrency_limit: Annotated[
        int, Field(ge=1, le=1_000_000, description="runs of an order's own concurrency key at once, where its workflow does not say")
    ] = 1
    model_breaker_failures: Annotated[
        int, Field(ge=0, le=1000, description="failures of a model's provider in a row after which it is left alone; 0: never")
    ] = 10
    model_breaker_seconds: Annotated[float, Field(gt=0, le=3600, description="how long it is left alone before one call tries again")] = (
        30.0
    )
    mcp_seconds: Annotated[
        float, Field(gt=0, le=3600, description="so long a call over MCP waits for its run; then it is answered with the run's id")
    ] = 50.0
    worker_runs: Annotated[int, Field(ge=1, le=10_000, description="runs that a worker carries at once")] = 100
    metrics: Annotated[bool, Field(description="count for Prometheus")] = True
    otlp_endpoint: Annotated[str | None, Field(pattern=r"^https?://.+$", description="http://HOST:4318: where traces go (OTLP)")] = None
    log: Annotated[str, Field(description="level, or levels by logger: info or application.engine=debug,info")] = "info"
    log_pretty: Annotated[bool, Field(description="log for people instead of JSON lines")] = False

    @field_validator("api_keys", "http_private", "http_hosts", "tools", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(key.strip() for key in value.split(",") if key.strip())
        return value

    @field_validator("jwt_keys")
    @classmethod
    def _are_keys_of(cls, keys: str | None, info: ValidationInfo) -> str | None:
        told = [info.data.get("jwt_issuer"), info.data.get("jwt_audience")]
        if (keys is not None and None in told) or (keys is None and told != [None, None]):
            raise ValueError("WEFT_JWT_ISSUER, WEFT_JWT_AUDIENCE and WEFT_JWT_KEYS go together")
        if keys is not None and keys.startswith("http://"):
            raise ValueError("whoever is in between could put keys of theirs in place: https:// only")
        return keys

    @field_validator("http_private")
    @classmethod
    def _are_places(cls, places: tuple[str, ...]) -> tuple[str, ...]:
        for place in places:
            if "/" in place:
                ip_network(place)  # says what is wrong with it
        return places

    @field_validator("mcp_servers")
    @classmethod
    def _are_servers(cls, rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        if rows:
            from infrastructure.tools.mcp.settings import servers_of

            servers_of(rows)  # says what is wrong with them
        return rows

    @property
    def aliases(self) -> dict[str, Any]:
        """A fresh install answers offline; what is set replaces that alias by alias."""
        return {**OFFLINE_ALIASES, **self.models}

    @property
    def config(self) -> AppConfig:
        return AppConfig(
            DatabaseConfig(self.database_url, self.database_max_connections, self.database_connection_timeout),
            LlmConfig(self.aliases),
            WorkflowConfig(self.lease_seconds, self.poll_seconds, self.grace_seconds, self.worker_runs),
        )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings, env_settings, *files_of(settings_cls))


def files_of(settings_cls: type[BaseSettings]) -> list[PydanticBaseSettingsSource]:
    """Of the working folder, each when it is there."""
    readers = {".toml": TomlConfigSettingsSource, ".yaml": YamlConfigSettingsSource, ".json": JsonConfigSettingsSource}
    return [readers[Path(name).suffix](settings_cls, Path(name)) for name in FILES if Path(name).is_file()]


def read_settings(**flags: object) -> Settings:
    """`domain.errors.ValidationError` with one problem for each wrong setting, which names its variable. Flags that are None were not
    given."""
    given: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise _bad([_sentence(problem) for problem in error.errors()]) from error
    except Exception as error:  # a file that does not parse: pydantic-settings lets the parser's own error through
        raise _bad([f"a settings file cannot be read ({', '.join(FILES)}): {error}"]) from error


def _bad(sentences: list[str]) -> BadSettings:
    return BadSettings("; ".join(sentences), [Problem("", "bad_setting", sentence) for sentence in sentences])


def _sentence(problem: ErrorDetails) -> str:
    name, *path = [str(part) for part in problem["loc"]] or ["?"]
    field = Settings.model_fields.get(name)
    if field is None:
        return f"{name}: there is no such setting; `weft config show` lists them"
    variable = PREFIX + "__".join([name.upper(), *path])
    given = problem.get("input")
    secret = name in ("api_keys", "model_endpoints", "secrets", "mcp_servers")
    shown = "" if secret else f", not {without_password(given) if isinstance(given, str) else given!r}"
    return f"{variable}: should be {field.description or problem['msg']} ({problem['msg']}){shown}"


def without_password(url: str) -> str:
    """The same, to be shown."""
    head, at, tail = url.rpartition("@")
    scheme, slashes, credentials = head.partition("://")
    return f"{scheme}{slashes}{credentials.split(':')[0]}:(hidden)@{tail}" if at and ":" in credentials else url
