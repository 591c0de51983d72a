"""What is in the repository works on any machine: no address of a package host, no path of one computer, nothing from outside."""

import re
import subprocess

import pytest

from tests.architecture.places import ROOT

# Written so that these lines do not match themselves.
HOSTS = (
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "npmjs" + ".org",
    "npmjs" + ".com",
    "debian" + ".org",
    "docker" + ".io",
    "ghcr" + ".io",
    "quay" + ".io",
)
FOREIGN = {
    "a package host": re.compile("|".join(re.escape(host) for host in HOSTS)),
    "a path of one machine": re.compile(r"(?<![\w.)}\]*~-])/(?:work|home|root|Users|tmp|opt/pypi)/\w"),
    "a folder outside": re.compile(r"\.\./" + r"shared\b"),
    "a private key": re.compile("-----BEGIN [A-Z ]*PRIVATE " + "KEY-----"),
}


def foreign(text: str) -> list[str]:
    """What a text has in it that belongs to one machine or one network, as `LINE: what: where`."""
    rows = enumerate(text.splitlines(), 1)
    return [f"{line}: {what}: {found.group()}" for line, row in rows for what, pattern in FOREIGN.items() if (found := pattern.search(row))]


def repository_files() -> list[str]:
    """What git holds, and what would be added to it."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(name for name in listed.split("\0") if name and (ROOT / name).is_file())


def test_no_file_depends_on_one_machine_or_names_a_package_host() -> None:
    names = repository_files()
    found = [f"{name}:{row}" for name in names for row in foreign((ROOT / name).read_text(errors="replace"))]

    assert "pyproject.toml" in names
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("https://" + HOSTS[0] + "/simple", id="a package index"),
        pytest.param("FROM " + HOSTS[6] + "/some/image", id="an image of a named registry"),
        pytest.param("cd /" + "home/me/weft", id="somebody's home"),
        pytest.param('"/' + 'root/x"', id="root's home"),
        pytest.param("../" + "shared/data", id="a folder beside the checkout"),
        pytest.param("-----BEGIN " + "PRIVATE KEY-----", id="a private key"),
    ],
)
def test_what_belongs_to_one_machine_is_noticed(line: str) -> None:
    assert len(foreign(line)) == 1


@pytest.mark.parametrize("line", ["GET /v1/root/x", "see examples/home/page", "~/work/weft", "{base}/tmp/x"])
def test_what_any_machine_has_is_fine(line: str) -> None:
    assert foreign(line) == []


@pytest.mark.parametrize("name", ["main", "dev", "uv"])
def test_every_locked_package_has_a_version_and_a_hash(name: str) -> None:
    packages = re.split(r"\n(?=\S)", (ROOT / "requirements" / f"{name}.txt").read_text().strip())

    assert [package for package in packages if "==" not in package or "--hash=sha256:" not in package] == []


def test_what_weft_runs_on_has_the_same_versions_in_its_tests() -> None:
    dev, main, uv = (
        set(re.findall(r"^\S+==\S+", (ROOT / f"requirements/{name}.txt").read_text(), re.MULTILINE)) for name in ("dev", "main", "uv")
    )

    assert main | uv <= dev
