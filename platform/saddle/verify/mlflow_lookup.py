"""Finding a study's MLflow runs without creating anything."""

from __future__ import annotations

import logging
import os

from mlflow.entities import LifecycleStage
from mlflow.tracking import MlflowClient

from saddle.store.base import Store
from saddle.track.client_settings import be_brief
from saddle.track.opening import database_path, tracking_uri
from saddle.trial.run_id import RunId
from saddle.verify.mlflow_runs import Runs, read_runs


class NoExperiment(Exception):
    """MLflow has no experiment of the study."""


def reach(store: Store, run: RunId) -> Runs:
    """The MLflow runs of one run of a study.

    Raises `NoExperiment`, or what MLflow's client raises if it can't be reached.
    """
    if not os.environ.get("MLFLOW_TRACKING_URI") and not database_path(store).exists():
        raise NoExperiment("there is no MLflow database in the storage of the study")  # asking for it would create one
    client = connect(store)
    experiment = client.get_experiment_by_name(run.study)
    if experiment is None:
        raise NoExperiment("the experiment is missing")
    if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        raise NoExperiment("the experiment was deleted")
    return read_runs(client, experiment.experiment_id, run.instance)


def restore_experiment(store: Store, study: str) -> None:
    """Restore a deleted experiment, whose name can't be used as long as it is among the deleted ones."""
    client = connect(store)
    experiment = client.get_experiment_by_name(study)
    if experiment is not None and experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        client.restore_experiment(experiment.experiment_id)


def connect(store: Store) -> MlflowClient:
    """MLflow's client, with a short time-out and without its log."""
    be_brief()
    for name in ("mlflow", "alembic"):  # their messages about tables and migrations don't concern the user
        logging.getLogger(name).setLevel(logging.WARNING)
    return MlflowClient(tracking_uri=tracking_uri(store))
