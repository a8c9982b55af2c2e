"""The tools that check `infra/`: those of the extra `dev-full`, and what is installed with a system."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest
import yaml

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"


def lacking(what: str) -> NoReturn:
    """Skip, or fail if it should be there (CI)."""
    reason = f"{what} not on this machine"
    if os.environ.get("SADDLE_REQUIRE_SYSTEM"):
        pytest.fail(reason)
    pytest.skip(reason)


def program(name: str) -> str:
    """The path of a program, next to this Python or on the path."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name) or lacking(f"{name} (pip install '.[dev-full]')")


def module(name: str) -> ModuleType:
    """A package of the extra `dev-full`."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        lacking(f"{name} (pip install '.[dev-full]')")


def documents(text: str) -> list[dict[str, Any]]:
    """The documents of YAML as Kubernetes, compose and Ray read it."""
    return [document for document in yaml.safe_load_all(text) if document is not None]


def rendered(folder: Path, home: Path) -> list[dict[str, Any]]:
    """What `kubectl apply -k` would send; the user's own configuration is not read."""
    process = subprocess.run(
        [program("kubectl"), "kustomize", str(folder)], capture_output=True, text=True, timeout=120,
        env={"HOME": str(home), "PATH": os.environ["PATH"], "KUBECONFIG": str(home / "none")},
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    assert not process.stderr, process.stderr
    return documents(process.stdout)
