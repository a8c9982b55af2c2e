"""Running a study again, with more, with something else, and stopping it from another terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import wait_until

pytestmark = pytest.mark.long

STUDY = """\
study: again
question: Where is the top?
trainable: parabola
search:
  x: {float: [0, 2]}
objective: {maximize: validation/score}
sampler: {random: {seed: 1}}
budget: {trials: 2}
"""

SLOW = STUDY.replace("again", "slow").replace("search:", "fixed: {epochs: 500, pause: 0.1}\nsearch:")


@pytest.mark.usefixtures("ray_session")
class TestRunningAgain:
    def test_it_is_done_goes_on_or_is_refused(self, saddle) -> None:
        Path("again.yaml").write_text(STUDY)
        first = saddle("run", "again.yaml", "--no-mlflow")
        assert first.exit_code == 0
        assert "were done before" not in first.stdout
        trained = json.loads(saddle("results", "again", "--json").stdout)

        second = saddle("run", "again.yaml", "--no-mlflow")
        assert second.exit_code == 0
        assert "2/2 trials were done before; nothing is left to train" in second.stdout
        assert "The best of 2 trials" in second.stdout
        assert json.loads(saddle("results", "again", "--json").stdout) == trained

        more = saddle("run", "again.yaml", "--no-mlflow", "--set", "budget.trials=3")
        assert more.exit_code == 0
        assert "2/3 trials were done before; continuing" in more.stdout
        assert json.loads(saddle("results", "again", "--json").stdout)[:2] == trained

        Path("again.yaml").write_text(STUDY.replace("[0, 2]", "[0, 1]").replace("trials: 2", "trials: 3"))
        changed = saddle("run", "again.yaml", "--no-mlflow")
        assert changed.exit_code == 2
        assert "search.x.float: [0.0, 2.0] → [0.0, 1.0]" in changed.stderr
        assert "--fresh" in changed.stderr

        fresh = saddle("run", "again.yaml", "--no-mlflow", "--fresh")
        assert fresh.exit_code == 0
        assert "were done before" not in fresh.stdout
        [kept] = [folder for folder in Path("runs/studies").iterdir() if folder.name.startswith("again@")]
        rows = json.loads(saddle("studies", "--json").stdout)
        assert [(row["study"], row["set_aside"]) for row in rows] == [("again", False), (kept.name, True)]
        assert len(list((kept / "ledger").glob("*.parquet"))) == 3


def test_a_running_study_is_watched_refused_to_others_and_stopped(saddle) -> None:
    Path("slow.yaml").write_text(SLOW)
    command = [sys.executable, "-m", "saddle.cli", "run", "slow.yaml", "--no-mlflow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as driver:
        try:

            def facts() -> dict:
                found = saddle("status", "slow", "--json")
                return json.loads(found.stdout)[0] if found.exit_code == 0 else {}

            wait_until(lambda: any(epoch > 0 for epoch in facts().get("running", {}).values()), "training", pause=0.2)
            assert facts()["process"] == driver.pid
            second = saddle("run", "slow.yaml", "--no-mlflow")
            assert second.exit_code == 2
            assert f"another driver (process {driver.pid}) is running slow" in second.stderr
            assert saddle("stop", "slow").stdout == "slow stops after the current epochs\n"
            stdout, stderr = driver.communicate(timeout=180)
        finally:
            driver.kill()
    assert driver.returncode == 130
    assert stdout.endswith("Stopped. Continue with: saddle run slow.yaml\n")
    assert stderr == ""
    assert saddle("status", "slow").stdout.startswith("slow: interrupted · 0/2 trials")


@pytest.mark.usefixtures("ray_session")
def test_where_every_trial_failed_the_exit_code_is_1(saddle) -> None:
    Path("broken.yaml").write_text(
        STUDY.replace("again", "broken").replace("search:", "fixed: {trouble: raise}\nsearch:")
    )
    first = saddle("run", "broken.yaml", "--no-mlflow")
    assert first.exit_code == 1
    assert "None of 2 trials completed" in first.stdout
    assert saddle("run", "broken.yaml", "--no-mlflow").exit_code == 1, "also where nothing is left to train"
