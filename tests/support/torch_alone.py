"""A Python whose path has only torch and what torch needs, neither saddle nor pydantic."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

START = """
import sys
sys.path.append(sys.argv.pop(1))
sys.path.insert(0, sys.argv.pop(1))
for absent in ("saddle", "trainables", "ray", "mlflow", "optuna", "pydantic"):
    try:
        __import__(absent)
    except ImportError:
        continue
    raise SystemExit(f"{absent} can be imported")
"""


def run_with_torch_alone(folder: Path, script: str, scratch: Path) -> str:
    """The output of a script next to the files of `folder`."""
    packages = link_torch(scratch / "packages")
    process = subprocess.run(
        [sys.executable, "-I", "-S", "-c", START + script, str(packages), str(folder)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    return process.stdout


def link_torch(folder: Path) -> Path:
    """A folder of links to torch, numpy and torch's requirements."""
    folder.mkdir(exist_ok=True)
    for name in sorted(required_by("torch") | required_by("numpy")):
        for file in metadata.files(name) or ():
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not (folder / top).exists():
                (folder / top).symlink_to(Path(str(metadata.distribution(name).locate_file(top))))
    return folder


def required_by(name: str, known: frozenset[str] = frozenset()) -> frozenset[str]:
    """The distributions that one needs here, itself included."""
    if name in known:
        return known
    try:
        required = metadata.requires(name) or []
    except metadata.PackageNotFoundError:  # for another system, or an extra
        return known
    known |= {name}
    for line in required:
        if "extra ==" not in line and (match := re.match(r"[\w.-]+", line)):
            known = required_by(match[0].lower(), known)
    return known
