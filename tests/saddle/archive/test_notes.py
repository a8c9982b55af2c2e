"""Notes and tags on a study, its arms and its trials, and where they are shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from saddle.archive.lookup import find_study
from saddle.cli.app import app
from saddle.report.write import page_of
from saddle.store.local import LocalStore
from saddle.store.run_files.notes import note_tags, notes_folder, read_notes
from saddle.trial.run_id import RunId
from tests.support import in_process

ABLATION = """
study: ab
question: Does it matter?
trainable: parabola
fixed: {epochs: 1}
ablation:
  baseline: {x: 0.3}
  factors: {x: [0.3, 0.5]}
  seeds: 3
  compare: {metric: test/score}
"""
RUN = RunId("ab")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> LocalStore:
    store = LocalStore(tmp_path_factory.mktemp("notes") / "runs")
    in_process.run_in_process(store, ABLATION, track=False)
    return store


@pytest.fixture
def store(trained: LocalStore) -> LocalStore:
    """The finished study, without notes."""
    trained.delete(notes_folder(RUN))
    return trained


def saddle(store: LocalStore, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--storage", store.url])


def test_notes_and_tags_are_shown_wherever_the_study_is(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    key = store.root.joinpath("studies/ab/ledger").glob("*.parquet").__next__().stem
    said = saddle(store, "note", "ab", "for the paper", "--tag", "keep").stdout
    assert said == "ab, the study: [keep] for the paper\n"
    assert saddle(store, "note", f"ab/{key}", "odd curve, token=abcdef123456").exit_code == 0
    assert saddle(store, "note", "ab", "--arm", "x=0.5", "the authors' value").exit_code == 0
    listed = saddle(store, "note", "ab").stdout
    for words in ("for the paper", f"trial {key}", "odd curve, token=***", "arm x=0.5"):
        assert words in listed, words
    [row] = json.loads(saddle(store, "studies", "--json").stdout)
    assert row["tags"] == ["keep"]
    assert "keep" in saddle(store, "studies").stdout
    assert "noted of arm x=0.5: the authors' value (3 notes)" in " ".join(saddle(store, "status", "ab").stdout.split())
    page = page_of(store, find_study(store, "ab").read_results(store))
    assert "odd curve, token=***" in page
    tags = note_tags(read_notes(store, RUN))
    assert tags["saddle.tags"] == "keep"
    assert f"trial {key}: odd curve" in tags["saddle.notes"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ab", "x", "--arm", "x=0.55"), "did you mean x=0.5?"),
        (("ab/nothing", "x"), "no trial 'nothing' in ab"),
        (("ab", " "), "the note is empty"),
        (("ab", "x", "--tag", "t" * 51), "a tag has 1 to 50 characters"),
        (("ab", "x" * 10_001), "at most 10,000 are kept"),
    ],
)
def test_what_can_not_be_noted_is_refused(store: LocalStore, arguments: tuple[str, ...], said: str) -> None:
    result = saddle(store, "note", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert read_notes(store, RUN) == []


def test_a_damaged_note_hides_no_other(store: LocalStore, caplog: pytest.LogCaptureFixture) -> None:
    saddle(store, "note", "ab", "whole")
    Path(store.root, notes_folder(RUN), "20200101T000000-aaaaaaaa.json").write_text("{")
    assert [note.text for note in read_notes(store, RUN)] == ["whole"]
    assert "can't be used" in caplog.text
