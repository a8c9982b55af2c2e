"""Each name that MLflow keeps for itself is there and does what it is used for; a test's name says what breaks else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient
from mlflow.utils import mlflow_tags

from saddle.track import mlflow_internals as internals
from saddle.track.client_settings import be_brief
from saddle.track.server import Server


def with_points(uri: str, experiment: str) -> tuple[MlflowClient, list[str]]:
    client = MlflowClient(uri)
    experiment_id = client.create_experiment(experiment)
    runs = [client.create_run(experiment_id).info.run_id for _ in range(2)]
    for number, run in enumerate(runs):
        client.log_batch(run, metrics=[Metric("loss", 0.5 + number, 1000, step) for step in (1, 2)])
    return client, runs


def expected(runs: list[str]) -> list[tuple[str, int, float]]:
    return sorted((run, step, 0.5 + number) for number, run in enumerate(runs) for step in (1, 2))


def single_questions(client: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []
    plain = client.get_metric_history
    monkeypatch.setattr(client, "get_metric_history", lambda run, name: asked.append(run) or plain(run, name))
    return asked


@pytest.mark.parametrize("kind", ["sqlite", "server"])
def test_verify_would_ask_for_every_run_and_metric_singly(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_brief()
    server: Server | None = request.getfixturevalue("sqlite_server") if kind == "server" else None
    client, runs = with_points(f"sqlite:///{tmp_path}/mlflow.db" if server is None else server.uri, f"points-{kind}")
    asked = single_questions(client, monkeypatch)
    assert sorted(internals.points_of_runs(client, runs, "loss")) == expected(runs)
    assert asked == []
    monkeypatch.setattr(internals, "MOST_POINTS", 3)  # a full answer may have lost some
    assert sorted(internals.points_of_runs(client, runs, "loss")) == expected(runs)
    assert asked == runs


def test_files_of_a_copied_storage_would_go_to_where_its_original_lies(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    for place in ("original", "copy"):
        (tmp_path / place).mkdir()
        repository: Any = internals.artifact_repository((tmp_path / place).as_uri(), uri)
        (tmp_path / "note.txt").write_text(place)
        repository.log_artifact(str(tmp_path / "note.txt"), None)
    assert [(tmp_path / place / "note.txt").read_text() for place in ("original", "copy")] == ["original", "copy"]


def test_trials_would_not_be_nested() -> None:
    assert mlflow_tags.MLFLOW_PARENT_RUN_ID == internals.PARENT_TAG


@pytest.mark.parametrize(
    "word", [internals.SHARED_VIEW_TAG, *internals.KIND, *internals.KIND.values()],
)  # fmt: skip
def test_an_experiment_would_open_on_another_page_and_a_view_of_the_arms_not_at_all(word: str) -> None:
    """MLflow's pages read these words; its Python knows nothing of them, so the pages' own scripts are looked into."""
    import mlflow.server

    scripts = Path(mlflow.server.__file__).parent / "js/build/static/js"
    assert any(word in script.read_text(errors="ignore") for script in scripts.glob("*.js"))


def test_a_refused_host_name_would_be_taken_for_a_missing_right() -> None:
    from mlflow.server.security_utils import INVALID_HOST_MSG

    assert INVALID_HOST_MSG.startswith(internals.INVALID_HOST)
