"""What every command prints with `--json` is what `saddle schema --answers` promises."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from jsonschema import Draft202012Validator

from saddle.cli import check, checkup
from saddle.cli.answers.schema import ANSWERS, VERSION, answers_schema
from saddle.cli.app import app
from saddle.execute import driver, remeasurement
from saddle.execute.worker import trial_runner
from saddle.nightly.bisect import Bisection
from saddle.nightly.nights import Nightly
from saddle.nightly.storage import NightlyStorage
from saddle.serve import server
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.store.ownership.lock import lock_study
from saddle.studyfile.loader import load_studies
from saddle.submit import jobs
from saddle.trial.run_id import RunId
from tests.saddle.cli.conftest import Run
from tests.support.in_process import measure_in_turn, outside_ray, run_in_process, train_all
from tests.support.stored_nights import store_night
from trainables.contract import CheckItem

STUDIES = """
study: top
question: Where is the top?
trainable: parabola
search: {x: {float: [0, 2]}}
objective: {maximize: validation/score}
sampler: {random: {seed: 1}}
budget: {trials: 2}
---
study: shifted
question: Does a shift help?
ablation:
  baseline: {shift: 0.0}
  factors: {shift: [0.0, 0.5], trouble: [none, collapse]}
  seeds: 3
  compare: {metric: test/score}
---
study: troubles
question: Where does it fail?
search: {x: {float: [0, 2]}}
fixed: {trouble: raise}
objective: {maximize: validation/score}
sampler: {random: {seed: 1}}
budget: {trials: 1}
---
study: later
question: Does it still help?
ablation:
  baseline: {shift: 0.0}
  factors: {shift: [0.0, 0.4]}
  seeds: 3
  compare: {metric: test/score}
"""
TABLE = "method,seed,accuracy\n" + "\n".join(f"{arm},{seed},0.{seed}{arm == 'b'}" for arm in "ab" for seed in range(3))
TABLE = TABLE.replace("True", "5").replace("False", "1")
NIGHT = "2026-01-02"


@dataclass
class FakeJobs:
    """A cluster that takes a job and knows one; real ones are in `tests/saddle/submit`."""

    address: str
    insecure: bool = False
    job: jobs.Job = field(default_factory=lambda: jobs.Job("saddle-1", ("top",), "", "RUNNING", 0.0, None, ""))

    def refuse_running(self, parcel: Any) -> None: ...

    def submit(self, parcel: Any) -> str:
        return self.job.id

    def find(self, names: Any) -> jobs.Job:
        return self.job

    def log(self, name: str) -> str:
        return "[1/2] trial-00000\n"


@contextlib.contextmanager
def no_cluster(*arguments: Any, **named: Any) -> Iterator[list[dict[str, float]]]:
    yield [{"CPU": 2.0}]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> LocalStore:
    store = LocalStore(tmp_path_factory.mktemp("answers") / "runs")
    run_in_process(store, STUDIES, track=False)
    [nightly] = load_studies("nightly", ["nightly.pool=3"])
    for date in ("2026-01-01", NIGHT):
        store_night(NightlyStorage(store, nightly.study), nightly, date, "a", 0.0, 0)
    return store


@pytest.fixture(autouse=True)
def _nothing_is_started(stored: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Ray, no MLflow and no night: what commands print of them is what is looked at here."""
    (tmp_path / "studies.yaml").write_text(STUDIES)
    (tmp_path / "results.csv").write_text(TABLE)
    decision = NightlyStorage(stored, "nightly").decision(NIGHT)
    item = CheckItem("gradients", "pass", {"share": 0.5}, "they are there")
    for where, name, value in (
        (driver, "connect", no_cluster),
        (driver, "require_shared_storage", lambda store: None),
        (driver, "start_early", lambda *arguments: None),
        (driver, "run_all", train_all),
        (trial_runner, "TrainRun", outside_ray),
        (remeasurement, "measure_all", measure_in_turn),
        (remeasurement, "connect", no_cluster),
        (remeasurement, "require_shared_storage", lambda store: None),
        (checkup, "start_ray", lambda: "2 CPU"),
        (check, "check_stored", lambda *arguments, **named: [item]),
        (jobs, "Jobs", FakeJobs),
        (server, "listen", lambda *arguments: SimpleNamespace(address="http://127.0.0.1:9")),
        (server, "serve_pages", lambda store, listening, ready: ready()),
        (Nightly, "run", lambda *arguments: decision),
        (Nightly, "fill", lambda *arguments: decision),
        (Nightly, "accept", lambda *arguments: decision),
        (Nightly, "bisect", lambda *arguments: Bisection((), why="nothing could be run")),
    ):
        monkeypatch.setattr(where, name, value)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")


CLUSTER = ("--address", "http://127.0.0.1:9")
CALLS: dict[str, list[tuple[str, ...]]] = {
    "init": [("relation",)],
    "run": [("studies.yaml", "--no-mlflow")],
    "plan": [("studies.yaml",)],
    "results": [("top",), ("shifted", "--latex")],
    "verdict": [("shifted",), ("shifted", "--expect", "helps")],
    "report": [("shifted",), ("shifted", "--format", "md")],
    "compare": [("shifted", "later")],
    "status": [("studies.yaml",)],
    "stop": [("top",)],
    "submit": [("studies.yaml", "--detach", *CLUSTER)],
    "logs": [("top",), ("troubles",), ("top", *CLUSTER)],
    "note": [("top", "looks right", "--tag", "keep"), ("top",)],
    "studies": [()],
    "export": [("top", "--to", "model")],
    "evaluate": [("top",), ("top", "--all"), ("shifted", "--set", "ruler=0.1")],
    "check": [("top",)],
    "verify": [("top",)],
    "gc": [("--dry-run",)],
    "import": [("results.csv", "--study", "table", "--arm", "method", "--seed", "seed", "--metric", "accuracy",
                "--baseline", "a", "--no-mlflow")],
    "trainables": [("parabola",)],
    "schema": [(), ("--answers",)],
    "ui": [("--no-browser",)],
    "serve": [("--no-browser",)],
    "doctor": [()],
    "mcp": [()],
    "data list": [()],
    "data fetch": [("digits",)],
    "data tasks": [(), ("mnist",)],
    "data stats": [("digits", "--per-class", "5")],
    "data cache": [()],
    "nightly run": [("nightly",)],
    "nightly init": [("nightly",)],
    "nightly accept": [("nightly", NIGHT, "--why", "it is meant")],
    "nightly history": [("nightly",)],
    "nightly bisect": [("nightly",)],
    "nightly install": [("nightly", "--print", "systemd"), ("nightly", "--print", "github")],
}  # fmt: skip
"""Calls of each command whose answers are looked at."""


def commands(group: Any, *words: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *words, name)
        else:
            yield " ".join((*words, name)), command


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_answers_in_json_and_a_call_of_it_is_looked_at(name: str) -> None:
    assert "--json" in {option for parameter in COMMANDS[name].params for option in parameter.opts}
    assert ANSWERS[name]
    assert CALLS[name]


def test_no_answer_is_promised_of_a_command_that_is_not_there() -> None:
    assert set(ANSWERS) == set(CALLS) == set(COMMANDS)


def test_the_schema_is_one_and_has_a_version(saddle: Run) -> None:
    schema = json.loads(saddle("schema", "--answers").stdout)
    Draft202012Validator.check_schema(schema)
    assert schema["version"] == VERSION
    assert set(COMMANDS) <= set(schema["$defs"])


@pytest.mark.parametrize(
    ("name", "arguments"), [pytest.param(name, call, id=" ".join((name, *call[:1])))
                            for name, calls in CALLS.items() for call in calls]
)  # fmt: skip
def test_the_answer_is_as_the_schema_says(
    name: str, arguments: tuple[str, ...], saddle: Run, stored: LocalStore
) -> None:
    new = name in ("run", "import")
    with lock_study(stored, RunId("top")) if name == "stop" else contextlib.nullcontext():
        result = saddle(*name.split(), *arguments, "--json", "--storage", "new" if new else stored.url)
    assert result.exit_code in (0, 1, 4), result.output
    violations = violations_of(name, json.loads(result.stdout))
    assert not violations, violations


def test_an_ablation_is_measured_as_a_whole_and_of_a_search_its_best_trial(saddle: Run, stored: LocalStore) -> None:
    def measured(*arguments: str) -> Any:
        return json.loads(saddle("evaluate", *arguments, "--json", "--storage", stored.url).stdout)

    trials = {entry.key for entry in Ledger(stored, RunId("shifted")) if entry.outcome == "completed"}
    assert len(trials) > 1
    [whole] = measured("shifted")
    assert whole["study"] == "shifted"
    assert len(whole["measured"]) + whole["already"] == len(trials)
    assert measured("top")["trial"].startswith("top/")
    one = min(trials)
    assert measured(f"shifted/{one}")["trial"] == f"shifted/{one}"
    refused = saddle("evaluate", "shifted", "--last", "--storage", stored.url)
    assert refused.exit_code == 2
    assert "name one trial: saddle evaluate shifted/TRIAL --last" in " ".join(refused.stderr.split())


def violations_of(name: str, answer: Any) -> list[str]:
    schema = answers_schema()
    of_command = {"$ref": f"#/$defs/{name.replace(' ', '%20')}", "$defs": schema["$defs"]}
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(of_command).iter_errors(answer)]


def test_a_field_that_is_gone_is_seen(saddle: Run, stored: LocalStore) -> None:
    [row, *_] = json.loads(saddle("studies", "--json", "--storage", stored.url).stdout)
    assert violations_of("studies", [row | {"a_later_field": 1}]) == []
    del row["question"]
    assert violations_of("studies", [row]) == ["$[0]: 'question' is a required property"]


@pytest.mark.parametrize(
    "words",
    [
        ("run", "studies.yaml", "--follow"),
        ("run", "studies.yaml", "--address", "ray://127.0.0.1:9"),
        ("submit", "studies.yaml", *CLUSTER),
        ("logs", "top", "--follow", *CLUSTER),
    ],
)
def test_what_is_text_only_is_refused_with_json(saddle: Run, words: tuple[str, ...]) -> None:
    result = saddle(*words, "--json")
    assert result.exit_code == 2
    assert "JSON" in result.stderr or "--json" in result.stderr
    assert not result.stdout
