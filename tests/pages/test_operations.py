"""docs/operations.md: each command is one that its program takes, on files that are there, and the restore is done."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from saddle.store.base import Store
from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.open import open_store
from tests.support.commands import Command
from tests.support.infra_commands import WrongCall, parse
from tests.support.infra_tools import ROOT
from tests.support.infra_tools import program as find_program
from tests.support.pages import Piece, pieces, runs, runs_each
from tests.support.s3 import S3
from tests.support.waiting import wait_until

PAGE = "docs/operations.md"
RESTORE = pieces("command", under="Restore from the bucket")
OTHERS = [piece for piece in pieces("command", page=PAGE) if piece not in RESTORE]

OF_THE_SYSTEM = (
    "useradd",
    "/usr/bin/python3",
    "/opt/saddle/bin/pip",
    "install",
    "cp",
    "systemctl",
    "journalctl",
    "nvidia-cuda-mps-control",
)

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
    elif program == "kubectl":
        check_kubectl(words)
    elif program in OF_THE_SYSTEM:
        units = [word for word in words if re.fullmatch(r"saddle-nightly\.\w+", word)]
        assert [unit for unit in units if not (ROOT / "infra/systemd" / unit).exists()] == []
    elif program == "python":
        assert {"--region", "--bucket", "--ssh-from"} <= set(rest)
    elif program.endswith(".sh"):
        subprocess.run(["bash", "-n", ROOT / program], check=True, timeout=60)
    else:
        assert program == "docker", f"nothing checks {piece.text}"


def check_kubectl(words: list[str]) -> None:
    """That kubectl knows the command and its options, as far as it says so without a cluster."""
    if "-k" in words:
        assert (ROOT / words[words.index("-k") + 1] / "kustomization.yaml").exists()
        return
    if "--" in words:
        parse(words[words.index("--") + 1 :])
    done = subprocess.run(
        [find_program("kubectl"), "--server", "http://127.0.0.1:9", *words[1:]],
        capture_output=True, text=True, timeout=120, env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
    )  # fmt: skip
    assert "refused" in done.stderr, done.stderr


def test_a_wrong_command_of_kubectl_is_found() -> None:
    for words in (["kubectl", "get", "pods", "--outputs", "name"], ["kubectl", "gets", "pods"]):
        with pytest.raises(AssertionError, match=r"unknown flag|flags cannot be placed before plugin"):
            check_kubectl(words)


def test_a_wrong_command_of_saddle_is_found() -> None:
    with pytest.raises(WrongCall):
        parse(
            saddle_words(shlex.split("docker compose -f infra/compose/compose.yaml run --rm saddle verfy quickstart"))
        )


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


@pytest.mark.long
@pytest.mark.fault("the head is lost with all on it")
@runs(*RESTORE)
def test_a_head_that_is_lost_in_mid_run_costs_no_finished_epoch(
    page_pieces: list[Piece], command: Command, s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = s3.bucket()
    verify, results, run = (shlex.split(piece.text.replace("my-bucket", bucket))[1:] for piece in page_pieces)
    file, head, other = tmp_path / "restored.yaml", tmp_path / "head", tmp_path / "other"
    text = STUDY.replace("TRIALS", "6").replace("{epochs: 2, pause: 0}", "{epochs: 4, pause: 0.7}")
    file.write_text(text + "resources: {concurrency: 2}\n")
    monkeypatch.setenv("SADDLE_HOME", str(head))
    driver = command.start(*run)
    store = open_store(f"s3://{bucket}/saddle", create=False)
    folder = "studies/restored"
    wait_until(
        lambda: len(list(store.names(f"{folder}/ledger"))) >= 2,
        "two finished trials", 240, process=driver,
    )  # fmt: skip
    driver.kill()
    driver.wait(60)
    command.kill_leftovers()
    shutil.rmtree(head)
    monkeypatch.setenv("SADDLE_HOME", str(other))
    reached = epochs_reached(store, folder)

    command.run(*verify)
    before = json.loads(command.run(*results, "--json"))
    assert 2 <= len(before) < 6
    command.run(*run)
    after = json.loads(command.run(*results, "--json"))
    assert len(after) == 6
    assert [row for row in after if row["trial"] in {row["trial"] for row in before}] == before
    assert all(row["outcome"] == "completed" for row in after)
    for trial, (epoch, when) in reached.items():
        assert epochs_reached(store, folder)[trial][1][: len(when)] == when, f"{trial} trained {epoch} epochs again"
    assert [each["differences"] for each in json.loads(command.run(*verify, "--json"))] == [[]]


def epochs_reached(store: Store, folder: str) -> dict[str, tuple[int, list[float]]]:
    """Of each trial how many epochs are stored, and when each was over."""
    trials = store.names(f"{folder}/trials")
    manifests = {key: Checkpoints.open(store, f"{folder}/trials/{key}/checkpoints").manifest for key in trials}
    return {key: (manifest.epochs, list(manifest.times)) for key, manifest in manifests.items() if manifest.epochs}
