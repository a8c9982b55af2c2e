"""A git repository with its own training method, whose commits change its measurements, or don't."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "scratch_method"

METHOD = '''"""A trainable without training, of which every number follows from arm, seed and two constants."""

import math
import time

from scratch_method.constants import NOISE, STRENGTH
from trainables.contract import Config as Base
from trainables.contract import Report, hyperparameter

METRICS = {"train/loss": "minimize", "validation/score": "maximize", "test/score": "maximize"}
SELECTION = "validation/score"


class Config(Base):
    x: float = hyperparameter(0.5, source="assumed", description="what arms differ in", ge=0, le=1)
    pause: float = hyperparameter(0.0, source="assumed", description="seconds an epoch takes", unit="s", ge=0)


def score(config, seed):
    return STRENGTH - (config.x - 0.4) ** 2 + 0.01 * math.sin(NOISE * (seed + 1) * (1 + config.x))


def train(config, run):
    time.sleep(config.pause)
    yield Report({"validation/score": score(config, run.seed), "train/loss": 0.5}, {"epoch": 1})


def load(config, state):
    return state["epoch"]


def evaluate(config, state, run):
    return Report({"test/score": score(config, run.seed)})
'''

STUDY = """\
study: scratch
question: Does x still give what it gave?
trainable: scratch
fixed: {pause: 0.0}
ablation:
  baseline: {x: 0.4}
  factors: {x: [0.4, 0.6]}
  compare: {metric: test/score}
nightly: {pool: 12, rotation: 2}
"""


@dataclass(frozen=True)
class ScratchRepository:
    """The repository in `root`, its method installed for processes that get `environment`."""

    root: Path

    @classmethod
    def make(cls, root: Path) -> ScratchRepository:
        """One with a first commit."""
        package, info = root / PACKAGE, root / f"{PACKAGE}-0.1.dist-info"
        package.mkdir(parents=True)
        info.mkdir()
        (package / "__init__.py").write_text(METHOD)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: scratch-method\nVersion: 0.1\n")
        (info / "entry_points.txt").write_text(f"[saddle.trainables]\nscratch = {PACKAGE}\n")
        (root / ".gitignore").write_text("__pycache__/\n")
        scratch = cls(root)
        scratch.git("init", "--quiet", "--initial-branch=main")
        scratch.set_constants()
        scratch.commit("Begin")
        return scratch

    @property
    def environment(self) -> dict[str, str]:
        """That of a process that imports the method."""
        path = os.pathsep.join(filter(None, [str(self.root), os.environ.get("PYTHONPATH")]))
        return {**os.environ, "PYTHONPATH": path}

    def git(self, *arguments: str) -> str:
        """The output of git."""
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        process = subprocess.run(
            ["git", *identity, *arguments], cwd=self.root, capture_output=True, text=True, check=True, timeout=60
        )
        return process.stdout.strip()

    def set_constants(self, strength: float = 0.9, noise: float = 12.9898) -> None:
        """Change what the method measures: equally for every seed, or randomly for each."""
        (self.root / PACKAGE / "constants.py").write_text(f"STRENGTH = {strength!r}\nNOISE = {noise!r}\n")

    def commit(self, subject: str, date: str | None = None) -> str:
        """Commit everything, optionally with a given date; without changes an empty commit."""
        self.git("add", "--all")
        dated = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date} if date is not None else {}
        subprocess.run(
            ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "--quiet", "--allow-empty",
             "--message", subject],
            cwd=self.root, check=True, timeout=60, env={**os.environ, **dated},
        )  # fmt: skip
        return self.git("rev-parse", "HEAD")
