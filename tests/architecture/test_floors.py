"""The import rules hold, and each contract is seen to break when somebody breaks its rule."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.places import ROOT, SRC

CONTRACTS = [contract["name"] for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]]


BREACHES = [
    ("the domain knows no floor above it", "domain/planted.py", "import application", {"floors", "domain"}),
    ("the domain imports no library", "domain/planted.py", "import pydantic", {"domain"}),
    ("networkx stays in one module of the domain", "domain/planted.py", "import networkx", {"domain"}),
    ("the domain does not know how it is wired", "domain/planted.py", "import bootstrap", {"domain"}),
    ("an import inside a function counts", "domain/planted.py", "def late() -> None:\n    import redis", {"domain"}),
    ("the application knows no adapter", "application/planted.py", "import infrastructure", {"floors", "application"}),
    ("the application knows no interface", "application/planted.py", "import interface", {"floors", "application"}),
    ("the application speaks no SQL", "application/planted.py", "import sqlalchemy", {"application"}),
    ("an adapter knows the domain alone", "infrastructure/planted.py", "import application", {"infrastructure"}),
    ("an adapter knows no interface", "infrastructure/planted.py", "import interface", {"floors", "infrastructure"}),
    ("an adapter serves no HTTP", "infrastructure/planted.py", "import fastapi", {"infrastructure"}),
    ("the interface knows no adapter", "interface/planted.py", "import infrastructure", {"floors", "interface"}),
    ("the interface names no domain class", "interface/planted.py", "import domain", {"interface"}),
    ("the container stays in bootstrap", "interface/planted.py", "import dependency_injector", {"interface"}),
    ("the interface does not know how it is wired", "interface/planted.py", "import wiring", {"interface"}),
    ("what is wired knows no interface", "wiring/planted.py", "import interface", {"wiring"}),
    ("what is wired speaks no SQL", "wiring/planted.py", "import sqlalchemy", {"wiring"}),
]


@dataclass(frozen=True, slots=True)
class Verdict:
    broken: frozenset[str]
    text: str


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return copied(tmp_path)


def copied(folder: Path) -> Path:
    """A copy of what the contracts look at, to plant breaches in."""
    shutil.copytree(SRC, folder / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copytree(ROOT / "tools", folder / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def judged(checkout: Path) -> Verdict:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(checkout / "src"), "COLUMNS": "300"}
    said = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    names = re.findall(r"^(.+?) (KEPT|BROKEN)$", said.stdout, re.MULTILINE)
    assert [name for name, _ in names] == CONTRACTS, said.stdout + said.stderr
    broken = frozenset(name for name, verdict in names if verdict == "BROKEN")
    assert bool(broken) == bool(said.returncode)
    return Verdict(broken, said.stdout)


def plant(checkout: Path, place: str, line: str) -> str:
    """Puts an import into a new module and returns the module's dotted name."""
    file = checkout / "src" / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{line}\n")
    return place.removesuffix(".py").replace("/", ".")


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Verdict:
    """What is said of the code as it is: that of every copy before anything is planted in it."""
    return judged(copied(tmp_path_factory.mktemp("untouched")))


def test_the_code_keeps_every_contract(untouched: Verdict) -> None:
    assert not untouched.broken, untouched.text


@pytest.mark.parametrize(("place", "line", "contracts"), [pytest.param(*breach, id=rule) for rule, *breach in BREACHES])
def test_a_planted_breach_breaks_its_contract(untouched: Verdict, checkout: Path, place: str, line: str, contracts: set[str]) -> None:
    assert not untouched.broken, "plant in clean ground"

    module = plant(checkout, place, line)
    verdict = judged(checkout)

    assert {name.split(":")[0] for name in verdict.broken} == contracts
    assert module in verdict.text


def test_networkx_is_welcome_in_the_analysis_of_graphs(checkout: Path) -> None:
    plant(checkout, "domain/graph/analysis.py", "import networkx")

    assert not judged(checkout).broken


def test_every_contract_is_seen_to_break() -> None:
    """The table above names each contract at least once."""
    seen = {name for *_, broken in BREACHES for name in broken}

    assert seen == {name.split(":")[0] for name in CONTRACTS}


def top_names(source: str) -> set[str]:
    """The top-level packages a module imports, wherever in it."""
    nodes = list(ast.walk(ast.parse(source)))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name.split(".")[0] for name in plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}}


def test_the_face_leaves_the_wiring_to_bootstrap() -> None:
    assert "infrastructure" not in top_names((SRC / "weft.py").read_text())


def test_the_container_is_declared_in_bootstrap_alone() -> None:
    """`lean.py` only imports the library without what it would drag along."""
    users = {path.relative_to(SRC).as_posix() for path in SRC.rglob("*.py") if "dependency_injector" in top_names(path.read_text())}

    assert users <= {"bootstrap.py", "lean.py"}
