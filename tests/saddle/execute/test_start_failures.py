"""Slots that can't start end the study with the reason; what lies in the working directory keeps none from starting."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from saddle.cluster.connection import OBJECT_STORE_BYTES, connect
from saddle.errors import InfrastructureError
from saddle.execute.driver import Options, run_study
from saddle.store.local import LocalStore
from saddle.studyfile.loader import parse_studies
from tests.support.waiting import PROCESS_SECONDS

pytestmark = pytest.mark.fault("slot that can't start")

STUDY = """
study: starts
trainable: parabola
fixed: {{epochs: 2}}
resources: {{workers: {workers}, cpus_per_worker: {cpus}}}
ablation:
  baseline: {{x: 0.3}}
  factors: {{x: [0.3, 0.5]}}
  seeds: 2
  compare: {{metric: test/score}}
"""
BROKEN = "raise RuntimeError('this module is not the one that is meant')\n"


@pytest.fixture
def broken_workers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A Ray whose workers get a broken module before the real one; a file in the folder for each try."""
    import ray

    folder = tmp_path / "broken"
    folder.mkdir()
    tried = f"import os\nopen({str(folder)!r} + f'/tried-{{os.getpid()}}', 'w').close()\n"
    (folder / f"{request.param}.py").write_text(tried + BROKEN)
    path = os.pathsep.join([str(folder), os.environ["PYTHONPATH"]])
    ray.init(
        address="local", include_dashboard=False, log_to_driver=False, object_store_memory=OBJECT_STORE_BYTES,
        num_cpus=2, runtime_env={"env_vars": {"PYTHONPATH": path}},
    )  # fmt: skip
    yield folder
    ray.shutdown()


@pytest.mark.parametrize(
    ("broken_workers", "workers"),
    [("torch", 1), pytest.param("torch", 2, marks=pytest.mark.slow)],
    indirect=["broken_workers"],
)
def test_slots_that_can_not_start_end_the_study_with_the_reason(
    broken_workers: Path, workers: int, tmp_path: Path
) -> None:
    store = LocalStore(tmp_path / "runs")
    [study] = parse_studies(STUDY.format(workers=workers, cpus=1 / workers), "starts.yaml")
    with connect(), pytest.raises(InfrastructureError) as caught:
        run_study(study, store, [{"CPU": 2.0}], Options(track=False))
    assert "4 slots in a row died before they could start a trial: " in str(caught.value)
    assert "this module is not the one that is meant" in str(caught.value)
    assert len(list(broken_workers.glob("tried-*"))) <= 2 * 4 * (1 + workers), "four times for each of two slots"
    assert not list(store.names("studies/starts/ledger"))
    assert "this module" in json.loads(store.read("studies/starts/progress.json"))["why"]


def saddle_in(folder: Path, *command: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, "run", "starts.yaml", "--no-mlflow"], cwd=folder, capture_output=True, text=True, timeout=240,
        env={**os.environ, "PYTHONPATH": path or os.environ["PYTHONPATH"]},
    )  # fmt: skip


def shadow(folder: Path, *names: str) -> None:
    (folder / "starts.yaml").write_text(STUDY.format(workers=1, cpus=1))
    for name in names:
        path = folder / name
        if name.endswith(".py"):
            path.write_text(BROKEN)
        else:
            path.mkdir()
            (path / "README").write_text("no package")


@pytest.mark.parametrize("empty_entry", [False, True])
def test_the_working_directory_shadows_nothing(tmp_path: Path, empty_entry: bool) -> None:
    shadow(
        tmp_path, "trainables.py", "search_spaces.py", "numpy.py", "queue.py", "random.py", "torch.py", "ray.py",
        "platform", "fake_methods", "optuna",
    )  # fmt: skip
    if not empty_entry:
        shadow(tmp_path, "saddle.py")
    # Python takes an empty entry, as in `:/a`, for the working directory
    path = os.pathsep + os.environ["PYTHONPATH"] if empty_entry else None
    process = saddle_in(tmp_path, str(Path(sys.executable).with_name("saddle")), path=path)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "[4/4]" in process.stdout


def test_nor_where_saddle_is_run_as_a_module(tmp_path: Path) -> None:
    shadow(tmp_path, "trainables.py", "numpy.py", "queue.py", "torch.py", "saddle", "platform")
    process = saddle_in(tmp_path, sys.executable, "-m", "saddle.cli")
    assert process.returncode == 0, process.stdout + process.stderr
    assert "[4/4]" in process.stdout


SCRIPT = """
import saddle
[result] = saddle.run("starts.yaml", track=False)
print("answered with", len(result.entries))
"""


def test_a_scripts_own_folder_shadows_none_of_our_packages(tmp_path: Path) -> None:
    shadow(tmp_path, "trainables.py", "search_spaces", "queue_of_mine.py")
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "script.py"]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert "answered with 4" in process.stdout, process.stderr


def test_a_notebook_above_a_checkout_imports_what_is_installed(tmp_path: Path) -> None:
    (tmp_path / "saddle/platform").mkdir(parents=True)
    (tmp_path / "trainables").mkdir()
    look = "import saddle, trainables.contract; print(saddle.run, trainables.__file__)"  # with '' first on the path
    process = subprocess.run(
        [sys.executable, "-c", look], cwd=tmp_path, capture_output=True, text=True, timeout=PROCESS_SECONDS
    )
    assert "function run" in process.stdout, process.stderr
    assert str(tmp_path) not in process.stdout
