"""Studies of both kinds with invented trials, for reports without training."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from saddle.analyse.study_results import StudyResults
from saddle.design import make_arms, replicates
from saddle.report.html import render
from saddle.report.study_report import StudyReport
from saddle.study.models import Study
from saddle.study.selection import objectives_of
from saddle.study.trainable.declarations import Declarations
from saddle.trial.record import TrialRecord
from tests.support.declared import declare
from tests.support.records import changed, make_record
from tests.support.results import results_of
from trainables.contract import Metric

SELECTION = "validation/robust_accuracy.worst_case"
METRICS: dict[str, Any] = {
    "train/loss": "minimize",
    "validation/clean_accuracy": "maximize",
    SELECTION: "maximize",
    "test/clean_accuracy": "maximize",
    "test/robust_accuracy.worst_case": "maximize",
}
TRAINABLE = declare(METRICS, SELECTION)
TRACEBACK = 'Traceback (most recent call last):\n  File "x.py", line 3, in train\nRuntimeError: out of cheese'


@dataclass
class Made:
    """A study with its entries, and the images they refer to."""

    study: Study
    entries: list[TrialRecord]
    baseline: Mapping[str, Any] | None = None
    blobs: dict[str, bytes] = field(default_factory=dict)
    declared: Declarations = TRAINABLE

    @property
    def objectives(self) -> tuple[Metric, ...]:
        """What a search looks for."""
        return objectives_of(self.study, self.declared)

    @property
    def results(self) -> StudyResults:
        return results_of(self.study, self.declared, self.entries, self.baseline)

    def read(self, path: str) -> bytes:
        try:
            return self.blobs[path]
        except KeyError:
            raise FileNotFoundError(path) from None

    def change(self, index: int, **changes: Any) -> None:
        self.entries[index] = changed(self.entries[index], **changes)


def png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.arange(96, dtype=np.uint8).reshape(8, 12)).save(buffer, "PNG")
    return buffer.getvalue()


def _entry(made: Made, level: float, outcome: str, epochs: int = 4, **named: Any) -> None:
    shares = [level * (epoch + 1) / epochs for epoch in range(epochs)]
    curve = [{"train/loss": 2 - s, "validation/clean_accuracy": s + 0.2, SELECTION: s} for s in shares]
    metrics = dict(curve[-1]) if outcome in ("completed", "pruned") else {}
    if outcome == "completed":
        metrics |= {"test/clean_accuracy": level + 0.18, "test/robust_accuracy.worst_case": level - 0.01}
    path = f"images/{named['key']}.png"
    if outcome == "completed":
        made.blobs[path] = png()
    made.entries.append(
        make_record(
            study=made.study.study,
            outcome=outcome,
            params={"lr": 0.0123456789, "epsilon": 0.1, "attacks": ["pgd"], **named["settings"]},
            metrics=metrics,
            test_last={name: value - 0.005 for name, value in metrics.items() if name.startswith("test/")},
            curve=curve,
            epochs=epochs,
            seconds=12.0,
            sources={"lr": "assumed", "epsilon": "paper", "attacks": "study file"},
            fingerprints={"data": "sha256:1234", "environment": {"python": "3.11.7"}},
            images={"adversarial": path} if outcome == "completed" else {},
            why={"failed": TRACEBACK, "diverged": "loss is nan", "collapsed": "constant output"}.get(outcome, ""),
            **named,
        )
    )


@pytest.fixture
def ablation() -> Callable[..., Made]:
    def make(seeds: int = 5, levels: tuple[str, ...] = ("sta", "mta", "mp"), **section: Any) -> Made:
        factors = {"perturbation": list(levels)}
        study = Study.model_validate(
            {
                "study": "controls",
                "question": "Does MP beat STA?",
                "trainable": "adversarial_training",
                "ablation": {"factors": factors, "seeds": seeds, **section},
            }
        )
        assert study.ablation is not None
        arms = make_arms(study.ablation, study.ablation.baseline)
        made = Made(study, [], dict(study.ablation.baseline))
        noise = np.random.default_rng(0)
        for one in replicates(arms, study.ablation.seed_list):
            level = 0.5 + 0.01 * one.seed + 0.04 * (arms.index(one.arm) == 2) + 0.004 * noise.normal()
            _entry(
                made, level, "completed", key=one.key, seed=one.seed, arm=one.arm.name, settings=dict(one.arm.settings)
            )
        return made

    return make


@pytest.fixture
def search() -> Callable[..., Made]:
    def make(trials: int = 12, objective: Any = None) -> Made:
        study = Study.model_validate(
            {
                "study": "alpha0",
                "question": "Which rate?",
                "trainable": "adversarial_training",
                "search": {
                    "lr": {"float": [1e-4, 1e-1], "log": True},
                    "schedule": {"choice": ["constant", "cyclic", ["a", 1]]},
                    "warm_up": {"int": [0, 4], "when": {"schedule": "cyclic"}},
                },
                "objective": objective or {"maximize": SELECTION},
                "constraints": ["validation/clean_accuracy >= 0.3"],
            }
        )
        made = Made(study, [])
        draw = np.random.default_rng(1)
        for number in range(trials):
            settings: dict[str, Any] = {"lr": float(10 ** draw.uniform(-4, -1)), "schedule": "constant"}
            if number % 3 == 0:
                settings |= {"schedule": "cyclic", "warm_up": int(draw.integers(0, 5))}
            elif number % 7 == 1:
                settings["schedule"] = ["a", 1]
            level = 0.6 - 0.1 * abs(np.log10(settings["lr"]) + 2)
            outcome = {3: "diverged", 5: "failed", 6: "pruned"}.get(number, "completed")
            _entry(made, level, outcome, key=f"alpha0-{number}", seed=0, number=number, settings=settings)
        return made

    return make


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """A function that shows a study's report in a window of a given width, on a screen or as on paper."""
    rendered: dict[str, Any] = {}

    def show(made: Any, width: int, media: str = "screen", *, dark: bool = False) -> None:
        if rendered.get("made") is not made:  # drawing takes seconds
            rendered["made"] = made
            (tmp_path / "page.html").write_text(render(StudyReport(made.results, read=made.read)))
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": [scheme]})
        size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get((tmp_path / "page.html").as_uri())

    yield show
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
