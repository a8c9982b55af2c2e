"""What `import saddle` offers is typed: a program that uses it passes mypy --strict, one that misuses it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import saddle

ROOT = Path(saddle.__file__).parents[2]

CONSUMER = """
from pathlib import Path

import saddle


def best_sentence(file: Path) -> str:
    try:
        [ended] = saddle.run(file, ["budget.trials=3"])
    except saddle.errors.StudyError as error:
        return f"{len(error.problems)} mistakes, the first in line {error.problems[0].line}"
    return ended.answer.sentence


def rows(study: str) -> int:
    return len(saddle.results(study)) + len(saddle.load(study).entries)


version: str = saddle.__version__
"""
MISUSES = (
    "saddle.run(3)",
    "saddle.results()",
    "saddle.load(b'x')",
    "count: int = saddle.__version__",
    "saddle.errors.NotThere",
)


def check(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What mypy --strict says of a program; saddle is found as its users find it, with its own types."""
    file = folder / "consumer.py"
    file.write_text(program, encoding="utf-8")
    config = folder / "mypy.ini"
    config.write_text("[mypy]\nstrict = true\nfollow_imports = silent\nignore_missing_imports = true\n")
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", config, "--cache-dir", folder / "cache", file],
        capture_output=True, text=True, timeout=300, check=False, cwd=folder,
        env={**os.environ, "MYPYPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}"},
    )  # fmt: skip


@pytest.mark.long
def test_a_typed_program_passes_and_each_misuse_is_seen(tmp_path: Path) -> None:
    assert (Path(saddle.__file__).parent / "py.typed").is_file()
    good = check(CONSUMER, tmp_path)
    assert good.returncode == 0, good.stdout + good.stderr
    bad = check(CONSUMER + "\n".join(MISUSES) + "\n", tmp_path)
    first = CONSUMER.count("\n") + 1
    for place, misuse in enumerate(MISUSES):
        assert f"consumer.py:{first + place}: error" in bad.stdout, misuse
