"""A study whose names are full of other systems' signs: all of it is tracked, and all of it can be verified."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from saddle.execute.driver import EndedStudy
from saddle.external_names import unescape
from saddle.store.local import LocalStore, prepare_folder
from saddle.store.open import open_store
from saddle.track.opening import database_path, sqlite_url, tracking_uri
from saddle.trial.run_id import RunId
from saddle.verify.verify_study import verify_study
from tests.support.in_process import run_in_process

CLASSES = (
    "a[b]", "crack/none", "../up", "ä", "a\u0308", "50% #1?", "x&<b>y", "$x_1$", "[bold]z", "it's \"q\"", "{{7*7}}",
    "a.b", "_x5B_", ".hidden", "-", "w" * 300, "w" * 301, "two\nlines",
)  # fmt: skip
FOLDER = "st ?#%41 q';&\"$x_1$ [bold]*"
LONG = "n" * 100
QUOTES = {"a'b\\": 2}
TASK = "odd [task] #1 $t_1$ it's"
STUDY = f"""\
study: {LONG}
question: Does <b>MP</b> [bold]beat[/bold] STA on $x_1$ & "co"?
trainable: labelled
ablation:
  baseline: {{tasks: {{}}}}
  factors:
    tasks: [{{}}, {json.dumps({TASK: dict.fromkeys(CLASSES, 1)})}, {json.dumps({"it's": QUOTES})}]
  seeds: 2
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> LocalStore:
    return prepare_folder(tmp_path_factory.mktemp("odd") / FOLDER)


@pytest.fixture(scope="module")
def result(store: LocalStore) -> Iterator[EndedStudy]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        [ended] = run_in_process(store, STUDY)
        yield ended


def test_everything_is_tracked_and_verified(store: LocalStore, result: EndedStudy, caplog) -> None:
    assert result.undelivered is None
    assert {entry.outcome for entry in result.entries} == {"completed"}, [entry.why for entry in result.entries]
    with caplog.at_level(logging.WARNING, "saddle"):
        found = verify_study(store, RunId(LONG))
    assert list(found.differences) == []
    assert "refused" not in caplog.text


def test_each_class_is_a_parameter_of_its_own(store: LocalStore, result: EndedStudy) -> None:
    client = MlflowClient(tracking_uri(store))
    experiment = client.get_experiment_by_name(LONG)
    assert experiment is not None
    params = [run.data.params for run in client.search_runs([experiment.experiment_id])]
    [_, told, *_] = sorted(params, key=lambda each: -len(each))
    labels = {unescape(name.removeprefix("tasks.")): label for name, label in told.items() if name.startswith("tasks.")}
    assert len(labels) == len(CLASSES)
    assert {name for name in labels if "_h" not in name} == {
        f"{TASK}.{name}" for name in CLASSES if not name.startswith("ww")
    }


def test_each_array_and_image_is_a_file_of_its_own(store: LocalStore, result: EndedStudy) -> None:
    entry = max(result.entries, key=lambda each: len(each.arrays))
    for files in (entry.arrays, entry.closing_images):
        assert len(files) == len(set(files.values())) == len(CLASSES)
        assert all(store.exists(path) for path in files.values())


def test_the_database_lies_in_the_storage(store: LocalStore, result: EndedStudy) -> None:
    assert database_path(store).stat().st_size > 0
    assert [path.name for path in store.root.parent.iterdir()] == [FOLDER]
    assert sqlite_url(Path("/srv/runs/mlflow/mlflow.db")) == "sqlite:////srv/runs/mlflow/mlflow.db"


def test_the_report_shows_names_as_they_are(store: LocalStore, result: EndedStudy) -> None:
    page = store.read(result.report.removeprefix(f"{store.root}/")).decode()
    assert "Does &lt;b&gt;MP&lt;/b&gt; [bold]beat[/bold] STA on $x_1$ &amp; &#34;co&#34;?" in page
    assert "<b>MP" not in page


def test_a_storage_whose_path_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"the storage .*/st\\xff has bytes in its path that are not UTF-8 text"):
        open_store(f"{tmp_path}/st\udcff")
    assert list(tmp_path.iterdir()) == []
