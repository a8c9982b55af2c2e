"""docs/operations.md: each command is one that its program takes, on files that are there, and the restore is done."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import Command
from tests.support.infra_commands import parse
from tests.support.infra_tools import ROOT
from tests.support.pages import Piece, pieces, runs, runs_each
from tests.support.s3 import S3

PAGE = "docs/operations.md"
RESTORE = pieces("command", under="Restore from the bucket")
OTHERS = [piece for piece in pieces("command", page=PAGE) if piece not in RESTORE]

STUDY = """
study: restored
trainable: parabola
fixed: {epochs: 2, pause: 0}
search: {x: {float: [0.0, 1.0]}}
objective: {maximize: validation/score}
sampler: {tpe: {startup_trials: 2, seed: 0}}
budget: {trials: TRIALS}
"""


def saddle_words(words: list[str]) -> list[str]:
    """What of a line is a call of saddle, which `docker compose run` may stand before."""
    return words[words.index("saddle") :]


@runs_each(OTHERS)
def test_commands_are_ones_that_their_programs_take(piece: Piece) -> None:
    program, *rest = words = shlex.split(piece.text)
    files = [word for word in words if word.startswith("infra/")]
    assert [name for name in files if not (ROOT / name).exists()] == []
    if program == "saddle" or (program == "docker" and "saddle" in words):
        parse(saddle_words(words))
    elif program == "ray":
        parse(words)
    elif program == "kubectl" and "-k" in words:
        assert (ROOT / files[0] / "kustomization.yaml").exists()
    elif program == "python":
        assert {"--region", "--bucket", "--ssh-from"} <= set(rest)
    elif program.endswith(".sh"):
        subprocess.run(["bash", "-n", ROOT / program], check=True, timeout=60)
    else:
        assert program in ("docker", "kubectl"), f"nothing checks {piece.text}"


@pytest.fixture
def command(tmp_path: Path, s3: S3) -> Iterator[Command]:
    command = Command(tmp_path)
    yield command
    command.kill_leftovers()


@pytest.mark.long
@runs(*RESTORE)
def test_a_study_is_restored_from_the_bucket_alone(
    page_pieces: list[Piece], command: Command, s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = s3.bucket()
    verify, results, run = (shlex.split(piece.text.replace("my-bucket", bucket))[1:] for piece in page_pieces)
    file, head, other = tmp_path / "restored.yaml", tmp_path / "head", tmp_path / "other"
    file.write_text(STUDY.replace("TRIALS", "3"))
    monkeypatch.setenv("SADDLE_HOME", str(head))
    command.run(*run)
    assert list(head.rglob("*")), "nothing was kept on the head, so nothing can be lost"
    shutil.rmtree(head)
    monkeypatch.setenv("SADDLE_HOME", str(other))

    command.run(*verify)
    assert [each["differences"] for each in json.loads(command.run(*verify, "--json"))] == [[]]
    before = json.loads(command.run(*results, "--json"))
    assert [row["trial"] for row in before] == ["trial-00000", "trial-00001", "trial-00002"]
    file.write_text(STUDY.replace("TRIALS", "5"))
    said = command.run(*run)
    assert "5 trials" in said
    after = json.loads(command.run(*results, "--json"))
    assert after[:3] == before
    assert len(after) == 5
    assert [each["differences"] for each in json.loads(command.run(*verify, "--json"))] == [[]]
