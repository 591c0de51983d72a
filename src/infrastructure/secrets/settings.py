"""Which secrets an installation has, as its owner writes it down."""

import re
from ipaddress import ip_address
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from domain.ids import DEFAULT_TENANT, TenantId
from domain.secret import SecretBinding, parted
from infrastructure.secrets.references import NAME

_HOST: Final = re.compile(r"\*|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_LIES: Final = re.compile(r"[a-z][a-z0-9_-]*:.+")


def _is_place(written: str) -> str:
    if not _LIES.fullmatch(written):
        raise ValueError("`from` is env:NAME or file:PATH, never the secret itself")
    return written


def _is_host(written: str) -> str:
    host, port = parted(written)
    if len(host) > 254 or not (_HOST.fullmatch(host) or _is_address(host)) or not (port is None or 0 < port < 65_536):
        raise ValueError(
            "a host is a name, an address, *.name for what is below a name, or * for any; with :port where it is not https on 443"
        )
    return written


def _is_address(written: str) -> bool:
    try:
        return ip_address(written).compressed == written.lower()
    except ValueError:
        return False


class SecretSetting(BaseModel):
    """A row of `WEFT_SECRETS`. `from`: `env:NAME`, `file:PATH`, or `KIND:NAME` where a package keeps secrets."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    lies: Annotated[str, AfterValidator(_is_place), Field(alias="from")]
    hosts: Annotated[tuple[Annotated[str, AfterValidator(_is_host)], ...], Field(min_length=1)]
    tenants: Annotated[tuple[str, ...], Field(min_length=1)] = (DEFAULT_TENANT,)

    def __repr__(self) -> str:
        """As its owner wrote it."""
        return str(self.model_dump(mode="json", by_alias=True))

    def binding(self, name: str) -> SecretBinding:
        source, _, place = self.lies.partition(":")
        return SecretBinding(name, source, place, self.hosts, tuple(map(TenantId, self.tenants)))


SecretSettings = Annotated[
    dict[Annotated[str, Field(pattern=f"^{NAME}$")], SecretSetting],
    Field(description='name -> {"from": "env:NAME" or "file:PATH", "hosts": ["api.example.com"], "tenants": ["default"]}'),
]
