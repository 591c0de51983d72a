"""The peers' environments: one for each lock beside this file, since their requirements differ from ours and from each other's.

They are made once, under .venv-bench/, and again when a lock changes. WEFT_BENCH_VENVS names another folder, whose environments are
taken as they are.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

LOCKS: Final = Path(__file__).parent
OWN: Final = LOCKS.parent.parent / ".venv-bench"
NAMES: Final = ("lg", "dbos", "misc")


def home() -> Path:
    return Path(os.environ.get("WEFT_BENCH_VENVS") or OWN)


def python_of(name: str) -> Path:
    return home() / f"venv-{name}" / "bin" / "python"


def make_environments() -> None:
    """Returns when every environment is there and as its lock says."""
    if os.environ.get("WEFT_BENCH_VENVS"):
        _all_there()
        return
    for name in NAMES:
        _make(name)


def _all_there() -> None:
    missing = [name for name in NAMES if not python_of(name).exists()]
    if missing:
        raise SystemExit(f"WEFT_BENCH_VENVS: {home()} has no {', '.join(f'venv-{name}' for name in missing)}")


def _make(name: str) -> None:
    lock = LOCKS / f"{name}.txt"
    folder, digest = home() / f"venv-{name}", hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = folder / "lock.sha256"
    if stamp.exists() and stamp.read_text() == digest:
        return
    print(f"installing {name}.txt", flush=True)
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*uv, "venv", "--clear", "--python", sys.executable, folder], check=True)
    subprocess.run([*uv, "pip", "sync", "--compile-bytecode", "--python", python_of(name), "--require-hashes", lock], check=True)
    stamp.write_text(digest)
