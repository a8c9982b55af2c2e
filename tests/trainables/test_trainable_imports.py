"""What may be imported where nothing is trained, shown by importing it."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "ray", "optuna", "mlflow", "saddle", "sklearn", "scipy")


@pytest.mark.parametrize(
    "module",
    [
        "trainables.contract",
        "trainables.datasets",
        "trainables.datasets.config",
        "trainables.datasets.auxiliary_tasks.tasks",
        "trainables.datasets.downloads.known_download",
        "trainables.datasets.availability",
        "trainables.adversarial_training",
        "trainables.adversarial_training.config",
    ],
)
def test_importing_it_brings_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*[name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not found, f"importing {module} imports {', '.join(found)}"


def test_checking_a_configuration_brings_no_torch() -> None:
    code = """
import sys
import trainables.adversarial_training as method
from trainables.contract import resolve
config = resolve(method, {"dataset": "mnist", "perturbation": "mp", "tasks": ["odd_even"]}, "paper", "full").config
method.estimate(config), method.Config.model_json_schema()
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
