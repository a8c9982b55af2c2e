"""A trainable without training: a known optimum, a known seed effect, and every failure on demand."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from trainables.contract import Collapsed, Diverged, Report, Run, hyperparameter
from trainables.contract import Config as Base

METRICS = {
    "validation/score": "maximize",
    "validation/cost": "minimize",
    "validation/accuracy": "maximize",
    "test/score": "maximize",
    "test/process": "minimize",
    "test/node": "minimize",
    "train/loss": "minimize",
}
SELECTION = "validation/score"
EVALUATION_FIELDS = ("ruler", "test_pause")
DATA_MEASURES = {"height": "how high the parabola lies"}

Trouble = Literal["none", "raise", "nan", "diverge", "collapse", "hang", "die", "die_once", "generator", "unpicklable"]


class Config(Base):
    x: float = hyperparameter(0.5, source="assumed", description="where on the parabola", ge=0, le=10)
    shift: float = hyperparameter(0.0, source="paper", description="added to every score")
    mode: Literal["plain", "curved"] = hyperparameter("plain", source="customary", description="shape")
    bend: float = hyperparameter(0.0, source="assumed", description="only for curved", ge=0, le=1)
    epochs: int = hyperparameter(3, source="assumed", description="epochs", ge=1)
    pause: float = hyperparameter(0.0, source="assumed", description="seconds an epoch takes", unit="s", ge=0)
    trouble: Trouble = hyperparameter("none", source="assumed", description="what goes wrong")
    marker: str = hyperparameter("", source="assumed", description="file that says a death has happened")
    trouble_epoch: int = hyperparameter(2, source="assumed", description="in which epoch")
    pictures: bool = hyperparameter(False, source="assumed", description="show something after every epoch and test")
    trouble_rank: int = hyperparameter(0, source="assumed", description="on which rank")
    ruler: float = hyperparameter(0.0, source="assumed", description="taken off the test's score")
    test_pause: float = hyperparameter(0.0, source="assumed", description="seconds a test takes", unit="s", ge=0)
    warm_epochs: int = hyperparameter(0, source="assumed", description="first epochs that are not candidates", ge=0)
    chatter: int = hyperparameter(0, source="assumed", description="what an epoch prints", unit="MiB", ge=0)


def data_measures(config: Config, run: Run) -> dict[str, float]:
    return {"height": 1 + config.shift}


def score(config: Config, seed: int, epoch: int) -> float:
    return 1 - (config.x - 0.3) ** 2 + config.shift - config.bend + 0.01 * seed * (1 + config.x) - 0.5 / epoch


def train(config: Config, run: Run) -> Iterator[Report]:
    state = run.resume()
    for epoch in range(state["epoch"] + 1 if state else 1, config.epochs + 1):
        time.sleep(config.pause)
        for _ in range(config.chatter * 2**10):
            print("x" * 1023)
        value = score(config, run.seed, epoch)
        if epoch == config.trouble_epoch and config.trouble != "none" and run.rank == config.trouble_rank:
            value = make_trouble(config, value)
        value = run.mean(value)  # the other ranks wait here for the failing one
        yield Report(
            {
                "validation/score": value,
                "validation/cost": config.x,
                "validation/accuracy": 0.9,
                "train/loss": 1 / epoch,
            },
            {"epoch": epoch, **troubled_state(config, epoch)},
            images=picture(config, epoch),
            is_candidate=epoch > config.warm_epochs,
        )


def troubled_state(config: Config, epoch: int) -> dict[str, Any]:
    """An object that can't be loaded again, from the troubled epoch on."""
    if epoch < config.trouble_epoch:
        return {}
    if config.trouble == "generator":
        return {"rng": np.random.default_rng(0)}
    return {"score": lambda: 1} if config.trouble == "unpicklable" else {}


def picture(config: Config, level: int) -> dict[str, Any]:
    return {"level/now": np.full((4, 4), level, np.uint8)} if config.pictures else {}


def make_trouble(config: Config, value: float) -> float:
    trouble = config.trouble
    if trouble == "raise":
        message = Path(config.marker).read_text() if config.marker else "the trainable is broken"
        logging.getLogger("a.library").warning("%s", message)
        raise ZeroDivisionError(message)
    if trouble == "diverge":
        raise Diverged("loss is nan")
    if trouble == "collapse":
        raise Collapsed("p_fake is 0.99", picture(config, 200))
    if trouble == "hang":
        time.sleep(3600)
    if trouble == "die":
        os._exit(1)
    if trouble == "die_once":
        try:
            os.close(os.open(config.marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return value
        os._exit(1)
    return float("nan") if trouble == "nan" else value


def load(config: Config, state: Mapping[str, Any]) -> Any:
    return state["epoch"]


def evaluate(config: Config, state: Mapping[str, Any], run: Run) -> Report:
    time.sleep(config.test_pause)
    where = {"test/process": float(os.getpid())}
    if "FAKE_NODE" in os.environ:  # which of a test's nodes this runs on
        where["test/node"] = float(os.environ["FAKE_NODE"])
    measured = {"test/score": score(config, run.seed, state["epoch"]) - config.ruler, **where}
    return Report(
        measured, images=picture(config, 100 + state["epoch"]), fingerprints={"ruler": {"length": 1, "of": "wood"}}
    )
