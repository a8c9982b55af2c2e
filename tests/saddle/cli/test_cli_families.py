"""A study of a controlled family through the command: the choice is said, and its model is exported and measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

STUDY = """\
study: pale
question: Do angular heads learn pale digits that lie near each other?
trainable: adversarial_training
fixed: {epochs: 2, epsilon_warmup: 0, steps: 1, width: 2, image_size: 12, contrast: 0.5, class_count: 4,
        epsilon_scaled_with: contrast, tasks: [odd_even], perturbation: mp, head: angular}
evaluate: {attacks: pgd, attack_steps: 2}
search: {angular_margin: {float: [0.1, 0.2]}}
objective: {maximize: validation/clean_accuracy}
sampler: {random: {seed: 0}}
budget: {trials: 1}
"""

LOAD = """
import sys
sys.path.insert(0, "model")
from load import load_model
from trainables.datasets import load

about = {"known": "digits", "size": 12, "transformation": {"contrast": 0.5, "class_count": 4}}
test = load(about).test
print(float((load_model()(test.pixels())[0].argmax(1) == test.labels).float().mean()))
"""


def test_a_family_runs_and_its_model_is_exported_evaluated_and_known_by_its_classes(tmp_path: Path) -> None:
    (tmp_path / "pale.yaml").write_text(STUDY)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SADDLE_", "MLFLOW_"))}

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**environment, "RAY_TMPDIR": "/tmp"},
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        assert done.returncode == 0, f"{arguments[-1]}: {done.stdout}{done.stderr}"
        return done

    noted = call("-m", "saddle.cli", "run", "pale.yaml", "--storage", "kept").stderr
    assert "class_count 4 and class_distance low chose classes " in " ".join(noted.split())
    call("-m", "saddle.cli", "export", "pale", "--storage", "kept", "--to", "model")
    config = json.loads((tmp_path / "model/model.json").read_text())["config"]
    assert (config["contrast"], config["head"], config["class_count"]) == (0.5, "angular", 4)
    again = json.loads(call("-m", "saddle.cli", "evaluate", "pale", "--storage", "kept", "--json").stdout)
    assert float(call("-c", LOAD).stdout) == pytest.approx(again["metrics"]["test/clean_accuracy"])
