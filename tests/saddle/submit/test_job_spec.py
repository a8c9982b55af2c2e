"""What is refused before a study is handed to a cluster, and what goes along with it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from saddle.archive.studies import settle_study
from saddle.cluster.packages.environment import FOR_DRIVER, FOR_TRIALS, OURS, for_workers, to_send
from saddle.errors import NotForACluster, SecretError, StudyChanged
from saddle.store.open import open_store
from saddle.studyfile.loader import load_studies, parse_studies
from saddle.studyfile.packaged import packaged_studies
from saddle.submit.job_spec import check_here, foreign_trainables, pack, resolved
from tests.support.pages import all_text

STUDY = """
study: far
trainable: parabola
search: {x: {float: [0.0, 1.0]}}
objective: {maximize: validation/score}
sampler: random
budget: {trials: 2}
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "mine.yaml").write_text(STUDY)
    return str(tmp_path / "mine.yaml")


class TestParcel:
    def test_the_resolved_file_and_the_command_travel(self, file: str, tmp_path: Path) -> None:
        parcel = pack(file, ["budget.trials=5"], "s3://bucket/a b", retry=["failed"], track=False, data_root="/data")
        words = shlex.split(parcel.command)
        assert words[:5] == ["exec", "python", "-m", "saddle.cli", "run"]
        assert words[5:] == [
            "far.yaml", "--storage", "s3://bucket/a b", "--retry=failed", "--data-root", "/data", "--no-mlflow",
        ]  # fmt: skip
        folder = tmp_path / "made"
        folder.mkdir()
        environment = parcel.runtime_environment(folder)
        [sent] = Path(environment["working_dir"]).iterdir()
        [study] = parse_studies(sent.read_bytes(), "sent")
        assert (sent.name, study.budget.trials) == ("far.yaml", 5)
        assert [Path(wheel).suffix for wheel in environment["py_modules"]] == [".whl"]
        assert environment["env_vars"]["RAY_JOB_STOP_WAIT_TIME_S"] == "600", "by itself Ray kills after three seconds"

    @pytest.mark.parametrize("name", packaged_studies())
    def test_studies_written_out_are_the_studies_read(self, name: str) -> None:
        studies = load_studies(name)
        assert parse_studies(resolved(studies), "there") == studies

    @pytest.mark.parametrize("storage", [None, "runs", "./runs", "../shared"])
    def test_a_storage_here_is_refused(self, file: str, storage: str | None) -> None:
        with pytest.raises(NotForACluster, match=r"use --storage s3://BUCKET/PREFIX, or the absolute path"):
            pack(file, [], storage)

    def test_a_storage_with_a_password_is_refused(self, file: str) -> None:
        with pytest.raises(NotForACluster, match="holds a password") as caught:
            pack(file, [], "s3://user:hidden@bucket/x")
        assert "hidden" not in str(caught.value)

    def test_data_here_are_refused(self, tmp_path: Path) -> None:
        text = (
            STUDY.replace("parabola", "adversarial_training")
            .replace("x: {", "lr: {")
            .replace("[0.0, 1.0]", "[0.001, 0.1]")
        )
        text = text.replace("validation/score", "validation/clean_accuracy")
        text += "fixed: {dataset: {folder: letters, size: 28}, tasks: {vowel: {A: 1, default: 0}}}\n"
        (tmp_path / "letters.yaml").write_text(text)
        with pytest.raises(NotForACluster, match="the dataset's letters is in a local folder"):
            pack(str(tmp_path / "letters.yaml"), [], "/shared")
        with pytest.raises(NotForACluster, match="--data-root data is a local folder"):
            pack(str(tmp_path / "letters.yaml"), [], "/shared", data_root="data")

    def test_a_study_that_says_something_else_than_the_stored_one_is_refused(self, file: str, tmp_path: Path) -> None:
        store = open_store(tmp_path / "kept")
        settle_study(store, load_studies(file)[0], None, fresh=False)
        kept = str(tmp_path / "kept")
        with pytest.raises(StudyChanged, match=r"search\.x\.float"):
            check_here(pack(file, ["search.x.float=[0, 2]"], kept))
        check_here(pack(file, ["search.x.float=[0, 2]"], kept, fresh=True))
        check_here(pack(file, [], kept))
        check_here(pack(file, ["search.x.float=[0, 2]"], "/no/such/folder/here"))

    def test_trainables_of_other_packages_are_named(self, file: str) -> None:
        assert foreign_trainables(load_studies(file)) == {"parabola": "fake-methods"}
        assert foreign_trainables(load_studies("quickstart")) == {}


class TestEnvironment:
    def test_what_studies_need_is_sent_and_nothing_else(self) -> None:
        ours = {
            "SADDLE_CACHE_BYTES": "1",
            "MLFLOW_TRACKING_URI": "http://tracking:5000",
            "AWS_ENDPOINT_URL": "http://storage:9000",
            "AWS_REGION": "eu-west-1",
        }
        others = {
            "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c",
            "MLFLOW_TRACKING_TOKEN": "d", "MLFLOW_TRACKING_PASSWORD": "e",
            "RAY_AUTH_TOKEN": "f", "HOME": "/root", "SADDLE_STORAGE": "runs", "SADDLE_SOMETHING": "1",
            "SADDLE_WEBHOOK": "https://hooks.slack.com/services/T0/B0/x",
        }  # fmt: skip
        assert to_send({**ours, **others}) == ours

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("MLFLOW_TRACKING_URI", "http://user:hidden@tracking:5000"),
            ("SADDLE_OPTUNA_URL", "postgresql://saddle:hidden@db/studies"),
            ("SADDLE_OPTUNA_URL", "postgresql://db/studies?user=saddle&password=hidden"),
            ("MLFLOW_TRACKING_URI", "http://tracking:5000?token=hidden"),
            ("AWS_ENDPOINT_URL", "http://:hidden@storage:9000"),
            ("AWS_ENDPOINT_URL", "http://[hidden"),
        ],
    )
    def test_secrets_are_refused_with_the_way_to_do_it(
        self, name: str, value: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(SecretError, match=rf"set {name} in the environment of the cluster's nodes") as caught:
            to_send({name: value})
        assert "hidden" not in str(caught.value)
        monkeypatch.setenv(name, value)
        assert name not in for_workers()

    def test_every_variable_of_ours_is_listed(self) -> None:
        root = Path(__file__).parents[3]
        sources = [*(root / "platform/saddle").rglob("*.py"), *(root / "trainables").rglob("*.py")]
        named = {name for path in sources for name in re.findall(r"SADDLE_[A-Z_]+", path.read_text())}
        assert named == set(OURS)
        assert {name for name in (*FOR_DRIVER, *FOR_TRIALS) if name.startswith("SADDLE_")} < set(OURS)
        pages = all_text()
        assert [name for name in OURS if name not in pages] == []
