"""Studies that have run: what the commands say of them, and what they do with their models."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from saddle import load_model
from tests.support.torch_alone import run_with_torch_alone

pytestmark = pytest.mark.long

WITHOUT_SADDLE = """
import sys

class Forbid:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("saddle", "ray", "optuna", "mlflow"):
            raise ImportError(f"{name} is forbidden here")

sys.meta_path.insert(0, Forbid())
sys.path.insert(0, sys.argv[1])
import torch
from load import load_model
from trainables.datasets import load

test = load("digits").test
print(float((load_model()(test.pixels())[0].argmax(1) == test.labels).float().mean()))
"""


@pytest.fixture
def stored(finished) -> tuple[str, str]:
    return "--storage", finished.storage


def test_a_run_ends_with_the_answer_and_where_to_look(finished) -> None:
    assert finished.code == 0
    assert finished.stderr == "", "no noise of Ray, MLflow or Optuna"
    assert "[3/3] trial-" in finished.stdout
    assert "The best of 3 trials is trial" in finished.stdout
    assert "report: kept/studies/top/report.html" in finished.stdout
    assert "MLflow: saddle ui troubles --storage kept" in finished.stdout


def test_results_have_what_the_issue_asks_for(saddle, stored) -> None:
    rows = json.loads(saddle("results", "top", *stored, "--json").stdout)
    assert [row["trial"] for row in rows] == ["trial-00000", "trial-00001", "trial-00002"]
    for row in rows:
        assert {"trial", "arm", "seed", "outcome", "params", "metrics", "epochs", "seconds"} <= set(row)
        assert row["outcome"] == "completed"
        assert row["epochs"] == 3


def test_what_goes_wrong_in_a_trial_is_kept_and_the_study_goes_on(saddle, stored) -> None:
    rows = json.loads(saddle("results", "troubles", *stored, "--json").stdout)
    by_arm = {row["arm"]: [] for row in rows}
    for row in rows:
        by_arm[row["arm"]].append(row)
    assert {arm: {row["outcome"] for row in found} for arm, found in by_arm.items()} == {
        "trouble=none": {"completed"},
        "trouble=raise": {"failed"},
        "trouble=nan": {"diverged"},
    }
    for row in by_arm["trouble=raise"]:
        assert "Traceback (most recent call last)" in row["why"]
        assert "ZeroDivisionError: the trainable is broken" in row["why"]
    shown = saddle("results", "troubles", *stored).stdout
    assert shown.count("failed: ZeroDivisionError: the trainable is broken") == 3
    assert shown.count("diverged: validation/score is nan in epoch 2") == 3


def test_status_and_studies_tell_how_far_they_are(saddle, finished, stored) -> None:
    assert saddle("status", "top", *stored).stdout.startswith(
        "top: finished · 3/3 trials (3 completed) · best validation"
    )
    assert saddle("status", "top", *stored, "--watch").stdout.count("\n") == 1
    assert saddle("status", finished.file, *stored).stdout.count("finished") == 3, "a file stands for its studies"
    rows = {row["study"]: row for row in json.loads(saddle("studies", *stored, "--json").stdout)}
    assert rows["troubles"]["outcomes"] == {"completed": 3, "failed": 3, "diverged": 3}
    assert [rows[name]["kind"] for name in ("top", "troubles", "digits")] == ["search", "ablation", "search"]
    assert rows["troubles"]["verdict"] == "fails: raise and nan"
    assert (rows["top"]["best_trial"], rows["top"]["metric"]) == ("trial-00001", "validation/score")
    assert all((Path(finished.storage) / f"studies/{name}/summary.json").exists() for name in rows)


def test_only_a_running_study_can_be_stopped(saddle, stored) -> None:
    result = saddle("stop", "top", *stored)
    assert (result.exit_code, result.stderr) == (2, "saddle: top is not running\n")


@pytest.mark.parametrize("command", ["results", "report", "status", "stop", "export", "evaluate"])
def test_an_unknown_study_names_the_nearest(saddle, stored, command: str) -> None:
    result = saddle(command, "trubles", *stored)
    assert result.exit_code == 2
    assert "did you mean troubles?" in result.stderr
    assert "stored are: digits, top, troubles" in result.stderr


def test_a_report_is_written_again(saddle, finished, stored, monkeypatch) -> None:
    monkeypatch.chdir(Path(finished.storage).parent)
    result = saddle("report", "top", *stored)
    assert result.stdout == "kept/studies/top/report.html\n"
    assert "Where is the top of the parabola?" in Path(result.stdout.strip()).read_text()


def test_a_report_is_markdown_for_a_pull_request_or_a_page_elsewhere(saddle, finished, stored, tmp_path) -> None:
    printed = saddle("report", "troubles", *stored, "--format", "md")
    assert printed.stdout.startswith("## Does trouble help?\n")
    assert "### Failure rates" in printed.stdout
    written = saddle("report", finished.file, *stored, "--format", "md", "-o", str(tmp_path / "all.md"))
    assert written.stdout.endswith("all.md\n")
    text = (tmp_path / "all.md").read_text()
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Where is the top of the parabola?",
        "## Does trouble help?",
        "## Which rate is best for a very small network?",
    ]
    page = saddle("report", "top", *stored, "--output", str(tmp_path / "top.html"))
    assert page.exit_code == 0
    assert (tmp_path / "top.html").read_text().startswith("<!DOCTYPE html>")
    assert saddle("report", finished.file, *stored, "--output", "x.html").stderr == (
        f"saddle: {finished.file} holds several studies, and --output is one page;"
        " name top or troubles or digits instead\n"
    )
    assert "leave one of them out" in saddle("report", "top", *stored, "--format", "md", "--open").stderr


def test_a_plan_of_a_finished_study_has_nothing_left_to_do(saddle, finished, stored) -> None:
    plans = json.loads(saddle("plan", finished.file, *stored, "--json").stdout)
    assert [(plan["trials"], plan["done"], plan["seconds"]) for plan in plans] == [(3, 3, 0), (9, 9, 0), (1, 1, 0)]
    assert all("measured on" in plan["basis"] for plan in plans)


def test_evaluating_again_gives_what_was_measured(saddle, stored) -> None:
    facts = json.loads(saddle("evaluate", "digits", *stored, "--json").stdout)
    assert facts["metrics"] == facts["when_trained"]
    assert facts["trial"] == "digits/trial-00000"
    weaker = json.loads(saddle("evaluate", "digits/0", *stored, "--set", "epsilon=0", "--json").stdout)
    assert weaker["metrics"]["test/robust_accuracy.pgd"] == weaker["metrics"]["test/clean_accuracy"]
    last = json.loads(saddle("evaluate", "top/2", *stored, "--last", "--json").stdout)
    assert last["trial"] == "top/trial-00002"


@pytest.mark.parametrize(
    ("setting", "message"),
    [("epsilo=0", "did you mean epsilon?"), ("epsilon=-1", "greater than or equal to 0"), ("epsilon", "FIELD=VALUE")],
)
def test_a_wrong_setting_of_an_evaluation_is_explained(saddle, stored, setting: str, message: str) -> None:
    result = saddle("evaluate", "digits", *stored, "--set", setting)
    assert result.exit_code == 2
    assert message in result.stderr


def test_an_unknown_trial_is_explained(saddle, stored) -> None:
    result = saddle("evaluate", "troubles/trouble-raise", *stored)
    assert result.exit_code == 2
    assert "did you mean trouble-raise-" in result.stderr
    result = saddle("export", "troubles", "--trial", "7", *stored)
    assert result.exit_code == 2
    assert "no finished trial '7' in troubles" in result.stderr


TORCH_ALONE = """
import json, torch
from load import CLASSES, load_model, preprocess
images = torch.linspace(0, 255, 5 * 8 * 8).reshape(5, 8, 8, 1).to(torch.uint8)
resized = list(preprocess(images[0, :4, :4]).shape)
print(json.dumps([CLASSES, load_model()(preprocess(images))[0].tolist(), resized]))
"""


def test_an_exported_model_of_ours_loads_with_torch_alone(saddle, stored, finished, tmp_path: Path) -> None:
    import torch

    saddle("export", "digits", *stored, "--to", "model")
    printed = run_with_torch_alone(tmp_path / "model", TORCH_ALONE, tmp_path)
    classes, logits, resized = json.loads(printed)
    assert classes == [str(digit) for digit in range(10)]
    images = torch.linspace(0, 255, 5 * 8 * 8).reshape(5, 1, 8, 8).to(torch.uint8).float() / 255
    expected = load_model("digits", storage=finished.storage)(images)[0]
    assert torch.allclose(torch.tensor(logits), expected.detach())
    assert resized == [1, 1, 8, 8]
    code = {path.name for path in (tmp_path / "model/code").rglob("*.py")}
    assert "multi_task.py" in code
    assert "loop.py" not in code, "what training needs and loading does not is left out"
    card = (tmp_path / "model/README.md").read_text()
    for words in ("| dataset | digits |", "Classes, in the order of the logits: 0, 1, 2", "attacks", "[0, 1]"):
        assert words in card, words


def test_an_exported_model_loads_without_saddle(saddle, stored, tmp_path: Path) -> None:
    result = saddle("export", "digits", *stored, "--to", "model")
    assert "python model/load.py" in result.stdout
    about = json.loads(Path("model/model.json").read_text())
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_SADDLE, "model"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    trained = json.loads(saddle("evaluate", "digits", *stored, "--set", "test_size=null", "--json").stdout)
    assert float(done.stdout) == pytest.approx(trained["metrics"]["test/clean_accuracy"])
    assert about["config"]["width"] == 2
    again = saddle("export", "digits", *stored, "--to", "model")
    assert (again.exit_code, "not empty" in again.stderr) == (2, True)
