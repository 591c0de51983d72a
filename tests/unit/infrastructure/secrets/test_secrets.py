"""A secret goes to the tenants and hosts that its owner named, from where it lies, and nowhere else."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from domain.errors import FactoryError, SecretRefused
from domain.ids import DEFAULT_TENANT, TenantId
from domain.secret import LONGEST, SecretBinding, bound_as, origin_of
from infrastructure.secrets.redactor import Redactor
from infrastructure.secrets.references import resolved
from infrastructure.secrets.resolver import BoundSecrets
from infrastructure.secrets.sources import sources_of

VALUE = "ghp_9f8sT2kLqWv0ZxY7"
HOST = "api.github.com"
THERE = f"https://{HOST}:443"
ACME = TenantId("acme")


def secrets(source: str, place: str, redactor: Redactor | None = None) -> BoundSecrets:
    bound = SecretBinding("github", source, place, (HOST, "*.Example.com"))
    return BoundSecrets({"github": bound}, sources_of([source], {"TOKEN": VALUE}), redactor or Redactor(), seconds=5)


async def got(source: str, place: str) -> str:
    return await secrets(source, place).get("github", DEFAULT_TENANT, THERE)


async def refused(source: str, place: str) -> str:
    with pytest.raises(SecretRefused) as error:
        await got(source, place)
    return error.value.message


async def test_a_secret_is_read_from_the_environment_and_redacted_from_then_on() -> None:
    redactor = Redactor()
    here = secrets("env", "TOKEN", redactor)
    assert redactor(VALUE) == VALUE

    assert await here.get("github", DEFAULT_TENANT, THERE) == VALUE
    assert redactor(VALUE) == "[secret github]"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param(f"{VALUE}\n", VALUE, id="a new line at the end is the editor's"),
        pytest.param(f"{VALUE}\r\n", VALUE, id="whatever the system"),
        pytest.param(f" {VALUE}\n\n", f" {VALUE}\n", id="everything else is the secret's"),
        pytest.param("a" * LONGEST, "a" * LONGEST, id="8 KiB"),
    ],
)
async def test_a_secret_is_read_from_a_file(tmp_path: Path, written: str, read: str) -> None:
    (tmp_path / "github").write_bytes(written.encode())

    assert await got("file", str(tmp_path / "github")) == read


@pytest.mark.parametrize("end", ["\n", "\r\n"])
async def test_a_new_line_at_the_end_of_a_variable_is_no_part_of_the_secret(end: str) -> None:
    bound = SecretBinding("github", "env", "TOKEN", (HOST,))
    here = BoundSecrets({"github": bound}, sources_of(["env"], {"TOKEN": VALUE + end}), Redactor())

    assert await here.get("github", DEFAULT_TENANT, THERE) == VALUE


async def test_a_file_that_was_exchanged_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "github").write_text("the-first-one")
    here = secrets("file", str(tmp_path / "github"))
    first = await here.get("github", DEFAULT_TENANT, THERE)
    (tmp_path / "github").write_text("the-second-one")

    assert (first, await here.get("github", DEFAULT_TENANT, THERE)) == ("the-first-one", "the-second-one")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda path: None, "No such file", id="not there"),
        pytest.param(Path.mkdir, "it is no file", id="a folder"),
        pytest.param(os.mkfifo, "it is no file", id="a pipe that nobody writes to"),
        pytest.param(lambda path: path.write_bytes(b"\xff" * 20), "no text in UTF-8", id="no text"),
        pytest.param(lambda path: path.write_text("a" * (LONGEST + 1)), "longer than 8 KiB", id="too long"),
        pytest.param(lambda path: path.write_text("1234567\n"), "shorter than 8 characters", id="too short to be kept out of texts"),
    ],
)
async def test_a_file_that_cannot_be_used_says_why_and_not_what_is_in_it(
    tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    make(tmp_path / "github")

    said = await refused("file", str(tmp_path / "github"))

    assert reason in said
    assert "1234567" not in said


async def test_a_variable_that_is_not_set_is_named() -> None:
    assert "the variable NO_TOKEN is not set" in await refused("env", "NO_TOKEN")


@pytest.mark.parametrize(
    ("host", "may"),
    [
        pytest.param(HOST, True, id="a host by its name"),
        pytest.param("API.GitHub.com.", True, id="however it is written"),
        pytest.param("github.com", False, id="not its parent"),
        pytest.param("x.api.github.com", False, id="not its children"),
        pytest.param("evilapi.github.com", False, id="not what ends like it"),
        pytest.param("a.example.com", True, id="below a name"),
        pytest.param("a.b.example.com", True, id="far below a name"),
        pytest.param("example.com", False, id="not the name itself"),
        pytest.param("evilexample.com", False, id="not what ends like the name"),
        pytest.param("", False, id="nowhere in particular"),
    ],
)
async def test_a_secret_goes_to_its_hosts_only(host: str, may: bool) -> None:
    here, origin = secrets("env", "TOKEN"), host and f"https://{host}:443"
    if may:
        here.must_be_for("github", DEFAULT_TENANT, origin)
        assert await here.get("github", DEFAULT_TENANT, origin) == VALUE
        return
    with pytest.raises(SecretRefused, match="may not go to"):
        here.must_be_for("github", DEFAULT_TENANT, origin)
    with pytest.raises(SecretRefused, match="may not go to"):
        await here.get("github", DEFAULT_TENANT, origin)


@pytest.mark.parametrize(
    ("bound", "origin", "may"),
    [
        pytest.param("a.example", "https://a.example", True, id="https on its usual port"),
        pytest.param("a.example", "http://a.example:80", False, id="nothing in plain sight"),
        pytest.param("a.example", "http://a.example:443", False, id="nor on the port of https"),
        pytest.param("a.example", "https://a.example:8443", False, id="nor to who else is on the host"),
        pytest.param("*", "http://a.example:80", False, id="a star says nothing of ports"),
        pytest.param("*", "a.example", False, id="a name alone is no way to go"),
        pytest.param("a.example", "https://a.example:443@evil.test", False, id="nor is what is read in two ways"),
        pytest.param("*", "https://a.example\\.evil.test", False, id="whatever the binding"),
        pytest.param("a.example:8040", "http://a.example:8040", True, id="a port that is said, in plain sight"),
        pytest.param("a.example:8040", "https://A.Example.:8040", True, id="and over https"),
        pytest.param("a.example:8040", "https://a.example:443", False, id="no other port then"),
        pytest.param("a.example:8040", "http://b.example:8040", False, id="no other host"),
        pytest.param("*.example:80", "http://a.example:80", True, id="below a name"),
        pytest.param("*:8040", "http://127.0.0.1:8040", True, id="any host's"),
        pytest.param("*:8040", "", False, id="but not nowhere in particular"),
        pytest.param("::1", "https://[::1]:443", True, id="an address of IPv6"),
        pytest.param("::1", "http://[::1]:8040", False, id="whose port is its own affair"),
        pytest.param("[::1]:8040", "http://[::1]:8040", True, id="unless it is said"),
    ],
)
def test_a_secret_goes_over_https_alone_where_no_port_is_said(bound: str, origin: str, may: bool) -> None:
    assert SecretBinding("x", "env", "X", (bound,)).may_go_to(origin) is may


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        pytest.param("https://Api.example/v1", "api.example", id="https"),
        pytest.param("https://api.example:8443/", "api.example:8443", id="another port"),
        pytest.param("http://api.example/", "api.example:80", id="plain http"),
        pytest.param("http://[::1]:8040", "[::1]:8040", id="an address of IPv6"),
    ],
)
def test_what_an_owner_writes_for_a_url_admits_it(url: str, entry: str) -> None:
    assert bound_as(url) == entry
    assert SecretBinding("x", "env", "X", (entry,)).may_go_to(origin_of(url))


async def test_what_is_given_out_is_named_to_its_tenants_only() -> None:
    redactor = Redactor()
    await secrets("env", "TOKEN", redactor).get("github", DEFAULT_TENANT, THERE)

    assert redactor.for_tenant(DEFAULT_TENANT)(VALUE) == "[secret github]"
    assert redactor.for_tenant(ACME)(VALUE) == "[secret]"


async def test_a_text_is_filled_for_its_host() -> None:
    here = secrets("env", "TOKEN")

    assert await resolved("Bearer ${secret.github}", here, DEFAULT_TENANT, THERE) == f"Bearer {VALUE}"
    with pytest.raises(SecretRefused, match="may not go to https://evil"):
        await resolved("Bearer ${secret.github}", here, DEFAULT_TENANT, "https://evil.example:443")


@pytest.mark.parametrize("origin", [THERE, "https://127.0.0.1", "https://[::1]:443", ""])
def test_a_star_is_any_host(origin: str) -> None:
    assert SecretBinding("x", "env", "X", ("*",)).may_go_to(origin)


async def test_anothers_secret_is_as_if_it_were_not_there() -> None:
    here = secrets("env", "TOKEN")
    said = []
    for name, tenant in (("github", ACME), ("github2", DEFAULT_TENANT)):
        with pytest.raises(SecretRefused) as error:
            await here.get(name, tenant, THERE)
        said.append(error.value.message.replace(name, "NAME"))

    assert said[0] == said[1]


VAULT = """
import asyncio

class Vault:
    async def get(self, name):
        if name == "slow":
            await asyncio.sleep(60)
        if name == "broken":
            raise ValueError("the token s.verysecret was refused")
        return f"value-of-{name}"

class Plain:
    def get(self, name):
        return name

vault = Vault()
plain = Plain()
"""
Install = Callable[[str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """A package that keeps secrets, as pip would leave it."""

    def installed(points: str) -> None:
        (tmp_path / "ourvault.py").write_text(VAULT)
        info = tmp_path / "ourvault-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ourvault\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[weft.secrets]\n{points}\n")

    monkeypatch.syspath_prepend(str(tmp_path))
    yield installed
    sys.modules.pop("ourvault", None)


async def test_a_package_keeps_secrets(install: Install) -> None:
    install("vault = ourvault:vault")

    assert await got("vault", "kv/github#token") == "value-of-kv/github#token"


async def test_what_a_vault_says_when_it_fails_is_shown_to_nobody(install: Install, caplog: pytest.LogCaptureFixture) -> None:
    install("vault = ourvault:vault")

    said = await refused("vault", "broken")

    assert said == "the secret github cannot be read from vault: ValueError"
    assert "the secret github cannot be read" in caplog.text
    assert "verysecret" not in caplog.text


async def test_a_vault_that_does_not_answer_is_not_waited_for(install: Install) -> None:
    install("vault = ourvault:vault")
    bound = SecretBinding("github", "vault", "slow", (HOST,))
    hasty = BoundSecrets({"github": bound}, sources_of(["vault"], {}), Redactor(), seconds=0.01)

    with pytest.raises(SecretRefused, match=r"no answer within 0\.01 seconds"):
        await asyncio.wait_for(hasty.get("github", DEFAULT_TENANT, THERE), 10)


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        pytest.param("other = ourvault:vault", "there are env, file, other", id="a kind that no package has"),
        pytest.param("vault = ourvault:gone", "does not load", id="an object that is not there"),
        pytest.param("vault = ourvault:plain", "no coroutine function `get`", id="an object that cannot be waited for"),
    ],
)
def test_a_source_that_cannot_be_used_is_refused(install: Install, points: str, reason: str) -> None:
    install(points)

    with pytest.raises(FactoryError, match=reason):
        sources_of(["vault"], {})


def test_without_a_package_nothing_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infrastructure.secrets.sources.entry_points", None)
    found: Mapping[str, object] = sources_of(["env", "file", "env"], {})

    assert list(found) == ["env", "file"]
