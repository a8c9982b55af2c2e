"""Stored studies explain themselves: commands that read them need no code, and print the same without it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pandas
import pytest
from click.testing import Result
from fake_methods import parabola
from typer.testing import CliRunner

import saddle
from saddle.cli.app import app
from saddle.store.local import LocalStore
from saddle.study.trainable import loading
from tests.support.in_process import run_in_process
from trainables.contract import Config, hyperparameter

STUDIES = """\
study: top
trainable: parabola
fixed: {epochs: 2}
search: {x: {float: [0, 2]}, shift: {float: [0, 1]}}
objective: {maximize: validation/score}
sampler: {random: {seed: 1}}
budget: {trials: 3}
---
study: shifted
trainable: parabola
fixed: {epochs: 2}
ablation:
  baseline: {shift: 0.0}
  factors: {shift: [0.0, 0.5], trouble: [none, collapse]}
  seeds: 3
  compare: {metric: test/score}
---
study: later
trainable: parabola
fixed: {epochs: 3}
ablation:
  baseline: {shift: 0.0}
  factors: {shift: [0.0, 0.5], trouble: [none, collapse]}
  seeds: 3
  compare: {metric: test/score}
"""
READING = (
    ("studies",),
    ("status", "top"),
    ("status", "shifted"),
    ("results", "top"),
    ("results", "shifted"),
    ("results", "top", "--json"),
    ("compare", "shifted", "later"),
    ("results", "shifted", "--csv"),
    ("report", "top", "--format", "md"),
    ("report", "shifted", "--format", "md"),
    ("verify", "top"),
    ("verify", "shifted"),
)
"""Commands that print what is stored."""


class ChangedConfig(Config):
    """The parabola's, without `shift` and `trouble`."""

    x: float = hyperparameter(0.5, source="assumed", description="where on the parabola")
    epochs: int = hyperparameter(3, source="assumed", description="epochs")


def make_changed_parabola() -> ModuleType:
    """A later version of the parabola, with the same metrics."""
    module = ModuleType("changed_parabola")
    names = ("METRICS", "SELECTION", "train", "load", "evaluate")
    module.__dict__.update({name: getattr(parabola, name) for name in names}, Config=ChangedConfig)
    return module


INSTALLED = {
    "missing": [],
    "renamed": [EntryPoint("quadratic", "fake_methods.parabola", loading.GROUP)],
    "changed": [EntryPoint("parabola", "changed_parabola", loading.GROUP)],
}
"""The entry points once the study has run."""


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored") / "runs"
    run_in_process(LocalStore(folder), STUDIES, track=False)
    return folder


Call = Callable[..., Result]


@pytest.fixture
def call(storage: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """A command on the storage in this process."""
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: CliRunner().invoke(app, [*arguments, "--storage", str(storage)])


Install = Callable[[str], None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put what `INSTALLED` calls so in the place of the trainable that trained."""

    def put(name: str) -> None:
        monkeypatch.setitem(sys.modules, "changed_parabola", make_changed_parabola())
        monkeypatch.setattr(loading, "entry_points", lambda group: INSTALLED[name])

    return put


installed = pytest.mark.parametrize("installed", INSTALLED)


@pytest.fixture(scope="module")
def printed(storage: Path) -> dict[tuple[str, ...], str]:
    """What the commands print while the trainable is as it was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        results = {c: CliRunner().invoke(app, [*c, "--storage", str(storage)]) for c in READING}
    assert {c: r.exit_code for c, r in results.items()} == dict.fromkeys(READING, 0), results
    return {c: result.output for c, result in results.items()}


@installed
@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_commands_print_the_same(
    command: tuple[str, ...], installed: str, printed: dict[tuple[str, ...], str], install: Install, call: Call
) -> None:
    install(installed)
    result = call(*command)
    assert result.exit_code == 0, result.output
    assert undated(result.output) == undated(printed[command])


def undated(text: str) -> str:
    """A page without the minute it was written in."""
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "", text)


@installed
@pytest.mark.parametrize("name", ["top", "shifted"])
def test_the_page_is_the_same(name: str, installed: str, install: Install, call: Call, tmp_path: Path) -> None:
    for path in (tmp_path / "before.html", tmp_path / "after.html"):
        result = call("report", name, "--output", str(path))
        assert result.exit_code == 0, result.output
        install(installed)
    before, after = (undated((tmp_path / f"{when}.html").read_text()) for when in ("before", "after"))
    assert len(before) > 10_000
    assert after == before


@installed
@pytest.mark.parametrize("name", ["top", "shifted"])
def test_a_notebook_has_the_same(name: str, installed: str, install: Install, storage: Path) -> None:
    rows, study = saddle.results(name, storage=storage), saddle.load(name, storage=storage)
    install(installed)
    later = saddle.load(name, storage=storage)
    assert saddle.results(name, storage=storage) == rows
    assert later.answer.sentence == study.answer.sentence
    assert later._repr_html_() == study._repr_html_()
    assert later.plot.names == study.plot.names
    assert len(study.trials) == len(rows)
    for frame in ("trials", "arms", "effects", "curves"):
        pandas.testing.assert_frame_equal(getattr(later, frame), getattr(study, frame))
