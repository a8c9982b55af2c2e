"""Two runs of one study, one of them set aside by `--fresh`: every command answers for the one it is asked about."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import Result
from mlflow.tracking import MlflowClient
from PIL import Image
from typer.testing import CliRunner

import saddle
from saddle.archive.studies import read_study, set_aside_names
from saddle.cli.app import app
from saddle.errors import UserError
from saddle.store.base import Store
from saddle.store.open import open_store
from saddle.submit.job_names import names_of
from saddle.track.opening import tracking_uri
from saddle.track.shared_views import KEY_TAG
from saddle.trial.run_id import RunId
from tests.support.in_process import run_in_process
from tests.support.s3 import S3, environment

pytestmark = pytest.mark.long

ABLATION = """\
study: abl
question: Does x help?
trainable: parabola
fixed: {{epochs: {epochs}, shift: {shift}, pictures: true}}
ablation:
  baseline: {{x: 0.3}}
  factors: {{x: [0.3, 0.5]}}
  seeds: 3
  compare: {{metric: test/score}}
"""
SEARCH = """\
study: hunt
question: Where is the top?
trainable: parabola
fixed: {{epochs: {epochs}, shift: {shift}, pictures: true}}
search: {{x: {{float: [0, 1]}}}}
objective: {{maximize: validation/score}}
sampler: {{random: {{seed: 1}}}}
budget: {{trials: 2}}
"""
OLD, NEW = {"epochs": 2, "shift": 0.0}, {"epochs": 3, "shift": 5.0}
"""The current run is five better, and an epoch longer, which its images show."""


@dataclass(frozen=True)
class Kept:
    """A storage with both runs of both studies."""

    store: Store
    url: str

    def aside(self, study: str) -> RunId:
        """The run of the study that was set aside."""
        [name] = [name for name in set_aside_names(self.store) if RunId.stored(name).study == study]
        stored = read_study(self.store, name)
        assert stored is not None
        return stored.run

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, [*arguments, "--storage", self.url])

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)


@pytest.fixture(scope="module", params=["local", "s3"])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("aside")
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        url = str(folder / "runs")
        for name in ("MLFLOW_TRACKING_URI", "SADDLE_OPTUNA_URL"):
            patch.delenv(name, raising=False)
        if request.param == "s3":
            patch.setenv("SADDLE_HOME", str(folder / "home"))
            for name in [name for name in os.environ if name.startswith("AWS_")]:
                patch.delenv(name)
            address = request.getfixturevalue("s3_server")
            for name, value in environment(address).items():
                patch.setenv(name, value)
            endpoint = S3(address)
            stack.callback(endpoint.empty)
            url = f"s3://{endpoint.bucket()}/team/runs"
        store = open_store(url)
        for text in (ABLATION, SEARCH):
            run_in_process(store, text.format(**OLD))
            run_in_process(store, text.format(**NEW), fresh=True)
        yield Kept(store, url)


def forms(run: RunId) -> list[str]:
    """The ways to name a run that was set aside."""
    return [run.name, f"{run.study}@{run.instance[:4]}", f"{run.study}@{run.instance}"]


def shifts(rows: list[dict[str, Any]]) -> set[float]:
    return {row["params"]["shift"] for row in rows}


@pytest.mark.parametrize("study", ["abl", "hunt"])
def test_results_and_status_are_of_the_run_asked_about(kept: Kept, study: str) -> None:
    aside = kept.aside(study)
    assert shifts(kept.json("results", study)) == {5.0}
    assert {row["study"] for row in kept.json("results", study)} == {study}
    for name in forms(aside):
        rows = kept.json("results", name)
        assert (shifts(rows), {row["study"] for row in rows}) == ({0.0}, {aside.name})
        [state] = kept.json("status", name)
        assert (state["study"], state["state"], state["best"] < 2) == (aside.name, "finished", True)
        assert aside.name in kept.run("results", name).stdout
    assert kept.json("status", study)[0]["best"] > 2
    assert shifts(saddle.results(aside.name, storage=kept.url)) == {0.0}
    assert shifts(saddle.results(study, storage=kept.url)) == {5.0}


def test_a_url_names_a_run_that_was_set_aside(kept: Kept) -> None:
    aside = kept.aside("abl")
    if "://" not in kept.url:
        pytest.skip("a folder has no URL")
    for name in forms(aside):
        for url in (f"{kept.url}/{name}", f"{kept.url}/studies/{name}"):
            assert shifts(saddle.results(url)) == {0.0}


def levels(page: str) -> set[int]:
    """How bright the images of a report are."""
    found = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page)
    return {int(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))).max()) for data in found}


def test_a_report_shows_its_own_images_and_lies_in_its_own_folder(kept: Kept, tmp_path: Path) -> None:
    aside = kept.aside("abl")
    for name, level in (("abl", 103), (aside.name, 102)):
        done = kept.run("report", name)
        assert done.exit_code == 0, done.output
        page = kept.store.read(f"studies/{name}/report.html").decode()
        assert levels(page) == {level}
        assert f"· {name}" in page
        assert kept.run("report", name, "--output", str(tmp_path / "r.html")).exit_code == 0
        assert levels((tmp_path / "r.html").read_text()) == {level}
        assert f"`{name}`" in kept.run("report", name, "--format", "md").stdout


def test_both_runs_can_be_compared(kept: Kept) -> None:
    aside = kept.aside("abl")
    found = kept.json("compare", aside.name, "abl")
    assert [side["study"] for side in found["studies"]] == [aside.name, "abl"]
    text = json.dumps(found)
    assert aside.name in text
    assert {effect["verdict"] for effect in found["between"]} != set(), text


def test_models_are_loaded_exported_and_measured_again(kept: Kept, tmp_path: Path) -> None:
    for study in ("abl", "hunt"):
        aside = kept.aside(study)
        key = kept.json("results", study)[0]["trial"]
        for name, epochs, shift in ((study, 3, 5.0), *((form, 2, 0.0) for form in forms(aside))):
            assert saddle.load_model(f"{name}/{key}", storage=kept.url) == epochs
            measured = kept.json("evaluate", f"{name}/{key}")
            assert measured["metrics"]["test/score"] == measured["when_trained"]["test/score"]
            assert shift - 1 < measured["metrics"]["test/score"] < shift + 1.1
            to = tmp_path / f"{name}-{key}"
            assert kept.run("export", name, "--trial", key, "--to", str(to)).exit_code == 0
            assert torch.load(to / "state.pt", weights_only=True) == {"epoch": epochs}
            assert json.loads((to / "model.json").read_text())["config"]["shift"] == shift


def test_a_notebook_loads_the_run_asked_about(kept: Kept) -> None:
    aside = kept.aside("abl")
    for name, shift in (("abl", 5.0), *((form, 0.0) for form in forms(aside))):
        loaded = saddle.load(name, storage=kept.url)
        assert set(loaded.trials["params.shift"]) == {shift}
        assert abs(loaded.arms["mean"].max() - shift) < 1
        assert loaded.name == ("abl" if name == "abl" else aside.name)
        assert loaded.name in loaded._repr_html_()


def test_studies_lists_what_was_set_aside(kept: Kept) -> None:
    rows = {row["study"]: row for row in kept.json("studies")}
    assert set(rows) == {"abl", "hunt", kept.aside("abl").name, kept.aside("hunt").name}
    assert {name for name, row in rows.items() if row["set_aside"]} == {name for name in rows if "@" in name}
    assert {row["done"] for row in rows.values()} == {6, 2}
    assert "set aside, finished" in kept.run("studies").stdout


def test_what_would_train_a_run_that_was_set_aside_is_refused(kept: Kept) -> None:
    aside = kept.aside("abl")
    for name in forms(aside):
        stopped = kept.run("stop", name)
        assert (stopped.exit_code, f"{aside.name} was set aside by --fresh" in stopped.stderr) == (2, True)
        assert not kept.store.exists(f"{aside.folder}/stop")
        for command in ("run", "plan"):
            refused = kept.run(command, name)
            assert (refused.exit_code, "a run that --fresh has set aside" in refused.stderr) == (2, True)
        with pytest.raises(UserError, match="set aside"):
            saddle.run(name, storage=kept.url)
        assert names_of(name) == [name], "no job is of the current run because of it"


def test_a_pilot_is_the_run_that_is_named(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "abl.yaml").write_text(ABLATION.format(**NEW))
    aside = kept.aside("abl")
    for name in forms(aside):
        [plan] = kept.json("plan", str(tmp_path / "abl.yaml"), "--pilot", name)
        assert plan["power"]["source"].startswith(f"from {aside.name}:")


def test_the_best_of_a_run_that_was_set_aside_is_no_baseline(kept: Kept, tmp_path: Path) -> None:
    text = ABLATION.format(**NEW).replace("{x: 0.3}", f"{{best_of: '{kept.aside('hunt').name}'}}")
    (tmp_path / "best.yaml").write_text(text)
    refused = kept.run("plan", str(tmp_path / "best.yaml"))
    assert refused.exit_code == 2
    assert "names a run that --fresh has set aside; name the search" in refused.stderr


def mlflow_runs(kept: Kept) -> dict[str, str]:
    """Every run in MLflow that isn't deleted: key and score."""
    client = MlflowClient(tracking_uri(kept.store))
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = client.search_runs(ids, max_results=1000)
    return {run.data.tags[KEY_TAG]: str(run.data.metrics.get("test/score")) for run in runs}


@pytest.mark.fault("verify --repair of a run that was set aside")
@pytest.mark.parametrize("study", ["abl", "hunt"])
def test_verify_and_repair_never_touch_the_other_run(kept: Kept, study: str) -> None:
    aside = kept.aside(study)
    before = mlflow_runs(kept)
    for name in (study, *forms(aside)):
        [found] = kept.json("verify", name)
        assert (found["study"], found["differences"]) == (study if name == study else aside.name, [])
        [mended] = kept.json("verify", name, "--repair")
        assert (mended["differences"], mended["repaired"]) == ([], [])
    assert mlflow_runs(kept) == before
    client = MlflowClient(tracking_uri(kept.store))
    lost = [run for run in client.search_runs(["1", "2"]) if run.data.tags[KEY_TAG].startswith(f"{aside.instance}/")]
    client.delete_run(lost[0].info.run_id)
    assert kept.run("verify", study).exit_code == 0, "the current run lacks nothing"
    assert kept.run("verify", aside.name).exit_code == 1
    [mended] = kept.json("verify", aside.name, "--repair")
    assert (mended["differences"], len(mended["repaired"]) > 0) == ([], True)
    assert mlflow_runs(kept) == before, "it was told again, with its own values"


def test_names_that_fit_none_or_several_are_refused(kept: Kept) -> None:
    aside = kept.aside("abl")
    for name in ("abl@", "abl@nothing", "@abl", "nothing@2026"):
        refused = kept.run("results", name)
        assert (refused.exit_code, f"set aside are: {aside.name}" in refused.stderr) == (2, True), refused.stderr
    current = read_study(kept.store, "abl")
    assert current is not None
    assert shifts(kept.json("results", f"abl@{current.instance}")) == {5.0}, "an instance is one wherever it lies"


def test_gc_removes_the_run_that_is_named_and_nothing_else(kept: Kept) -> None:
    url = f"{kept.url}-to-clean"
    other = Kept(open_store(url), url)
    for values, fresh in ((OLD, False), (NEW, True), (NEW, True)):
        run_in_process(other.store, ABLATION.format(**values), fresh=fresh, track=False)
    names = set_aside_names(other.store)
    runs = [stored.run for name in names if (stored := read_study(other.store, name)) is not None]
    first = next(run for run in runs if shifts(other.json("results", run.name)) == {0.0})
    assert [one["study"] for one in other.json("gc", "--dry-run")] == ["abl"], "those go only by name"
    [one] = other.json("gc", f"abl@{first.instance}", "--dry-run")
    assert (one["study"], one["removals"][0]["path"]) == (first.name, first.folder)
    assert other.run("gc", first.name).exit_code == 0
    assert set_aside_names(other.store) == [name for name in names if name != first.name]
    assert shifts(other.json("results", "abl")) == {5.0}
    refused = other.run("status", first.name)
    assert (refused.exit_code, "no study" in refused.stderr) == (2, True)
    assert not (other.store.local / first.folder).exists()
