"""The audit of the pinned packages: what it says of weaknesses, and that it never passes over not having looked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.infra_tools import INFRA, ROOT

SOUND = {"name": "sound", "version": "1.0", "vulns": []}
WEAK = {
    "name": "weak", "version": "2.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}, {"id": "PYSEC-2", "fix_versions": []}],
}  # fmt: skip
ABSENT = {"name": "absent", "skip_reason": "Dependency not found on PyPI and could not be audited: absent (1.0)"}


def audit(tool: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, INFRA / "audit.py", "--tool", tool], capture_output=True, text=True, timeout=120
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def stand_in(tmp_path: Path, answer: str, code: int = 0) -> Path:
    """A pip-audit that has this answer; its exit code is 1 where there are weaknesses, and where it failed."""
    tool = tmp_path / "pip-audit"
    tool.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\necho 'ERROR: no route to host' >&2\nexit {code}\n")
    tool.chmod(0o755)
    return tool


def answer(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_each_weakness_is_named_with_what_mends_it(tmp_path: Path) -> None:
    assert audit(stand_in(tmp_path, answer(SOUND, WEAK, ABSENT), code=1)) == [
        "weak 2.0: PYSEC-1, fixed in 2.1",
        "weak 2.0: PYSEC-2, fixed in no version yet",
        "audit: 1 of 2 packages have known weaknesses, 1 could not be looked up",
    ]


def test_without_weaknesses_it_says_how_many_were_looked_up(tmp_path: Path) -> None:
    assert audit(stand_in(tmp_path, answer(SOUND))) == ["audit: 0 of 1 packages have known weaknesses"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (answer(ABSENT, ABSENT), "audit: not made: none of 2 packages could be looked up"),
        ("", "audit: not made: pip-audit gave no answer: ERROR: no route to host"),
    ],
)
def test_where_nothing_was_looked_up_it_says_so_and_fails_nothing(tmp_path: Path, said: str, why: str) -> None:
    assert audit(stand_in(tmp_path, said, code=1)) == [why]


def test_where_it_cant_be_installed_it_says_so_and_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    [line] = audit(tmp_path / "environment/bin/pip-audit")
    assert line.startswith("audit: not made: pip-audit could not be installed (")


def test_ci_asks_and_is_not_stopped_by_it() -> None:
    assert "make audit || true\n" in (ROOT / ".ci/run").read_text()
    assert "python infra/audit.py" in (INFRA / "github/audit.yml").read_text()
