"""Storages of earlier saddles, with a search half done: they open, and continue.

09ce927 is the first product, 391c72f the one before the tree was restructured; `tests.support.make_storages` made them.
Both could do all three: a folder with MLflow, a bucket (the journal beside it in the driver's home), and Optuna in
PostgreSQL.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import pytest
from typer.testing import CliRunner

from saddle.cli.app import app
from saddle.errors import CodeChanged
from saddle.store.open import open_store
from tests.support.commands import essence
from tests.support.earlier_storages import ASSETS, STUDIES, EarlierStorage, unpack
from tests.support.in_process import run_in_process
from tests.support.postgres import Postgres
from tests.support.s3 import S3

COMMITS = ("09ce927", "391c72f")
KINDS = ("local", "s3", "s3 without the home", "postgres")
EVERY_TIME = ("local", "s3 without the home")
"""Those that `make test` opens; `make test-all` opens all."""

GROWN = STUDIES.replace("seeds: 2", "seeds: 3")
"""What earlier saddles had run, with more seeds in the ablation; the search has trials left."""

GONE_ON = json.loads((ASSETS / "gone-on.json").read_text())
"""How 391c72f continued with the searches, and Optuna's version then; see `tests.support.make_storages`."""


@dataclass(frozen=True)
class Restored:
    """A storage of an earlier saddle where today's finds it: its URL is in the environment."""

    url: str
    earlier: EarlierStorage
    kind: str

    @property
    def tracked(self) -> bool:
        return self.kind == "local"

    def go_on(self) -> None:
        run_in_process(open_store(self.url), GROWN, track=self.tracked)


@pytest.fixture(
    params=[
        pytest.param((commit, kind), marks=() if kind in EVERY_TIME else pytest.mark.slow, id=f"{commit}-{kind}")
        for commit in COMMITS
        for kind in KINDS
    ]
)
def restored(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Restored:
    commit, kind = request.param
    earlier = unpack(commit, kind.split()[0], tmp_path / "earlier")
    url = str(tmp_path / "earlier/runs")
    if kind == "postgres":
        database: Postgres = request.getfixturevalue("postgres")
        monkeypatch.setenv("SADDLE_OPTUNA_URL", earlier.restore_database(database))
    elif kind != "local":
        server: S3 = request.getfixturevalue("s3")
        url = earlier.restore_bucket(server)
    if kind == "s3":
        [home] = (tmp_path / "earlier/home/storage").iterdir()
        shutil.copytree(home, open_store(url, create=False).local, dirs_exist_ok=True)
    monkeypatch.setenv("SADDLE_STORAGE", url)
    return Restored(url, earlier, kind)


def saddle(*arguments: str) -> str:
    """What the command prints; raises what it raises, and fails where it ends with an exit code."""
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def results(study: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(saddle("results", study, "--json"))
    return rows


def assert_unchanged(restored: Restored, study: str) -> None:
    """Every trial that the earlier saddle knew is as it said."""
    before, now = restored.earlier.rows[study], essence(results(study))
    assert before
    assert {key: now.get(key) for key in before} == before


def assert_clean(study: str) -> None:
    """Ledger, Optuna, MLflow and checkpoints say the same."""
    [verified] = json.loads(saddle("verify", study, "--json"))
    assert verified["differences"] == []


def drawn(trials: Mapping[str, Any]) -> dict[str, Any]:
    """What the search gave each trial, and what came of it; a configuration has more fields than it once had."""
    names = ("x", "mode", "bend", "trouble")
    return {
        key: (t["outcome"], [rounded(t["params"][name]) for name in names], rounded(t["metrics"]))
        for key, t in trials.items()
    }


def rounded(value: Any) -> Any:
    """Numbers to 12 digits: the last ones of what a sampler draws differ from processor to processor."""
    if isinstance(value, Mapping):
        return {name: rounded(each) for name, each in value.items()}
    return float(f"{value:.12g}") if isinstance(value, float) else value


def assert_went_on(restored: Restored) -> None:
    """Every trial is there once, the earlier ones as they were, and the one under way continued from its epoch."""
    rows = {row["trial"]: row for row in results("half")}
    assert list(rows) == [f"trial-{number:05d}" for number in range(8)]
    assert {row["outcome"] for row in rows.values()} <= {"completed", "collapsed", "pruned"}
    assert {key: row["attempts"] for key, row in rows.items()} == {key: 1 + (key == "trial-00004") for key in rows}
    assert rows["trial-00004"]["outcome"] == "completed"
    assert rows["trial-00004"]["epochs"] == 5
    if optuna.__version__ == GONE_ON["optuna"]:  # another one may draw other parameters
        assert drawn(essence(list(rows.values()))) == drawn(GONE_ON["half"])
    sides = results("sides")
    assert len(sides) == len({row["trial"] for row in sides}) == 12
    assert {row["outcome"] for row in sides} == {"completed"}
    for study in ("half", "sides"):
        assert_unchanged(restored, study)


def test_it_opens(restored: Restored) -> None:
    listed = {row["study"]: row for row in json.loads(saddle("studies", "--json"))}
    assert (listed["half"]["state"], listed["half"]["done"], listed["half"]["total"]) == ("interrupted", 4, 8)
    assert (listed["sides"]["state"], listed["sides"]["done"], listed["sides"]["total"]) == ("finished", 8, 8)
    for study in ("sides", "half"):
        saddle("status", study)
        assert_unchanged(restored, study)
        saddle("report", study)
        saddle("verify", study, "--repair")
        assert_clean(study)
        assert_unchanged(restored, study)


def test_it_goes_on(restored: Restored) -> None:
    restored.go_on()
    assert_went_on(restored)
    for study in ("half", "sides"):
        assert_clean(study)


@pytest.mark.slow
def test_it_goes_on_after_a_repair(restored: Restored) -> None:
    for study in ("half", "sides"):
        saddle("verify", study, "--repair")
    restored.go_on()
    assert_went_on(restored)


@pytest.mark.slow
def test_it_goes_on_by_the_command_on_ray(restored: Restored, tmp_path: Path) -> None:
    (tmp_path / "studies.yaml").write_text(GROWN)
    refused = CliRunner().invoke(app, ["run", str(tmp_path / "studies.yaml")])
    assert refused.exit_code == CodeChanged.exit_code
    assert "sources: " in refused.output
    command = [
        sys.executable,
        "-m",
        "saddle.cli",
        "run",
        "studies.yaml",
        "--accept-changes",
        *([] if restored.tracked else ["--no-mlflow"]),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_went_on(restored)
    for study in ("half", "sides"):
        assert_clean(study)
