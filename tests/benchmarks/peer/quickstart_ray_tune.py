"""The quickstart's trials in plain Ray Tune: OptunaSearch, ASHA and MLflow's callback, without saddle.

The training code and the measurements are the quickstart's own (`trainables.adversarial_training`): a checkpoint each
epoch, test measured at the best and at the last one. `python quickstart_ray_tune.py FOLDER [EPOCHS]` prints a table.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import optuna
import torch
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch

from trainables import adversarial_training as method
from trainables.contract import InProcessRun, resolve

METRIC = "validation/robust_accuracy.worst_case"
TEST = "test/robust_accuracy.worst_case"
FIXED = {"dataset": "digits", "tasks": ["odd_even", "prime_composite"], "epochs": 10, "test_size": 300}
SEARCH_TRIALS, SLOTS = 10, 2
LONGEST_WARMUP = 6
PERTURBATIONS, SEEDS = ["sta", "mta", "mp"], [1, 2, 3]


def train(settings: dict[str, Any]) -> None:
    """Train one trial, store each epoch's state, and measure test at the end."""
    torch.set_num_threads(1)
    settings = dict(settings)
    seed = settings.pop("seed")
    config: Any = resolve(method, settings, scale="quick").config
    run = InProcessRun(seed=seed)
    best: Any = None
    last: Any = None
    highest = float("-inf")
    for report in method.train(config, run):
        last = report.state
        if report.metrics[METRIC] > highest:
            best, highest = last, report.metrics[METRIC]
        with tempfile.TemporaryDirectory() as folder:
            torch.save({"last": last, "best": best}, Path(folder) / "state.pt")
            tune.report(dict(report.metrics), checkpoint=tune.Checkpoint.from_directory(folder))
    at_best = method.evaluate(config, best, run).metrics
    at_last = at_best if best is last else method.evaluate(config, last, run).metrics
    tune.report({METRIC: highest, **at_best, **{f"last/{name}": value for name, value in at_last.items()}})


def run_trials(folder: Path, name: str, space: dict[str, Any], **how: Any) -> tune.ResultGrid:
    """Run trials of one CPU each and log them to MLflow."""
    logger = MLflowLoggerCallback(tracking_uri=f"sqlite:///{folder}/mlflow.db", experiment_name=name)
    results = tune.Tuner(
        tune.with_resources(train, {"cpu": 1}),
        param_space=space,
        tune_config=tune.TuneConfig(max_concurrent_trials=SLOTS, **how),
        run_config=tune.RunConfig(
            name=name, storage_path=str(folder / "ray"), callbacks=[logger], verbose=0,
            checkpoint_config=tune.CheckpointConfig(num_to_keep=2),
        ),
    ).fit()  # fmt: skip
    if results.errors:
        raise SystemExit(f"{name}: {len(results.errors)} trials failed, the first with {results.errors[0]}")
    return results


def search(folder: Path, fixed: dict[str, Any]) -> dict[str, Any]:
    """The settings of the best trial of a search."""
    space = {
        **fixed,
        "perturbation": "mp",
        "seed": 0,
        "alpha0_min": tune.uniform(0.5, 1.0),
        "lr": tune.loguniform(5e-4, 2e-2),
        "epsilon_warmup": tune.randint(0, min(LONGEST_WARMUP, fixed["epochs"]) + 1),
    }
    results = run_trials(
        folder, "search", space,
        metric=METRIC, mode="max", num_samples=SEARCH_TRIALS,
        search_alg=OptunaSearch(sampler=optuna.samplers.TPESampler(n_startup_trials=4, seed=0)),
        scheduler=ASHAScheduler(max_t=fixed["epochs"] + 1, grace_period=min(5, fixed["epochs"]), reduction_factor=2),
    )  # fmt: skip
    best = results.get_best_result(METRIC, "max", scope="all")
    print(f"best of {len(results)}: {METRIC} {best.metrics[METRIC]:.3f}")
    return {name: best.config[name] for name in ("alpha0_min", "lr", "epsilon_warmup")}


def ablate(folder: Path, fixed: dict[str, Any]) -> None:
    """Print each arm's mean and spread over seeds."""
    space = {**fixed, "perturbation": tune.grid_search(PERTURBATIONS), "seed": tune.grid_search(SEEDS)}
    results = run_trials(folder, "ablation", space, num_samples=1)
    table = results.get_dataframe()
    print(table.groupby("config/perturbation")[TEST].agg(["mean", "std", "count"]))


def main() -> None:
    folder = Path(sys.argv[1]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    fixed = {**FIXED, **({"epochs": int(sys.argv[2])} if len(sys.argv) > 2 else {})}
    ablate(folder, {**fixed, **search(folder, fixed)})


if __name__ == "__main__":
    main()
