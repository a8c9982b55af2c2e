"""The README's notebook, line by line, on the quickstart made small; and what its frames and figures hold then."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest

import saddle
from saddle.errors import NoFigure, NothingToDraw
from tests.support.pages import Piece, pieces, runs

pytestmark = pytest.mark.long

[EXAMPLE] = pieces("python", under="In a notebook")

SMALL = [
    "quickstart-search:budget.trials=1",
    "quickstart-search:sampler=random",
    "quickstart-search:early_stopping=none",
    "quickstart-search:fixed.epochs=2",
    "quickstart-search:fixed.steps=1",
    "quickstart-search:search.epsilon_warmup={int: [0, 1]}",
    "quickstart-ablation:fixed.epochs=2",
    "quickstart-ablation:fixed.steps=1",
    "quickstart-search:fixed.attack_steps=2",
    "quickstart-ablation:fixed.attack_steps=2",
]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in whose `runs` the small quickstart has run."""
    folder = tmp_path_factory.mktemp("notebook")
    saddle.run("quickstart", SMALL, storage=folder / "runs", track=False)
    return folder


@pytest.fixture(scope="module")
def cells(ran: Path) -> dict[str, Any]:
    """What the README's example leaves, run where the quickstart ran."""
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ran)
        patch.delenv("SADDLE_STORAGE", raising=False)
        exec(compile(EXAMPLE.text, "README.md", "exec"), names)
    return names


@runs(EXAMPLE)
def test_every_line_of_the_example_runs_and_shows_something(
    page_pieces: list[Piece], cells: dict[str, Any], ran: Path
) -> None:
    [example] = page_pieces
    lines = [line.partition("  #")[0] for line in example.text.splitlines()]
    shown = [line for line in lines if line.startswith(("study.", "robust.", "guesses."))]
    frames = [eval(line, cells) for line in shown if "savefig" not in line]
    assert len(frames) == 6
    assert all(len(frame) for frame in frames)
    assert (ran / "effects.pdf").read_bytes().startswith(b"%PDF")
    assert str(cells["model"]).startswith("MultiTask") or callable(cells["model"])


def test_the_frames_are_the_ledgers(cells: dict[str, Any]) -> None:
    study = cells["study"]
    assert len(study.trials) == len(study.entries) == 9
    for row, entry in zip(study.trials.to_dict("records"), study.entries, strict=True):
        assert (row["trial"], row["arm"], row["seed"], row["params.lr"]) == (
            entry.key, str(entry.arm).removeprefix("perturbation="), entry.seed, entry.params["lr"],
        )  # fmt: skip
        assert row["metrics.test/clean_accuracy"] == entry.metrics["test/clean_accuracy"]
        assert row["ended"].timestamp() == pytest.approx(entry.ended, abs=1e-3)
    first = study.entries[0]
    curve = study.curves[(study.curves["trial"] == first.key) & (study.curves["metric"] == "train/loss")]
    assert curve["epoch"].tolist() == [1, 2]
    assert curve["value"].tolist() == [point["train/loss"] for point in first.curve]
    by_arm = study.trials.groupby("arm")["metrics.test/robust_accuracy.worst_case"]
    assert study.arms.set_index("arm")["mean"].to_dict() == pytest.approx(by_arm.mean().to_dict())
    assert study.arms.set_index("arm")["sd"].to_dict() == pytest.approx(by_arm.std().to_dict())
    assert study.arms["completed"].tolist() == [3, 3, 3]
    assert study.arms.loc[study.arms["is_baseline"], "arm"].tolist() == ["sta"]
    means = by_arm.mean()
    assert study.effects.set_index("arm")["mean"].to_dict() == pytest.approx(
        {arm: means[arm] - means["sta"] for arm in ("mta", "mp")}
    )


def test_predictions_say_what_the_metrics_say(cells: dict[str, Any]) -> None:
    study, guesses = cells["study"], cells["guesses"]
    right = guesses.groupby("trial", observed=True)["right"].mean().to_dict()
    clean = (guesses["predictions.clean"] == guesses["label"]).groupby(guesses["trial"], observed=True).mean().to_dict()
    for entry in study.entries:
        assert right[entry.key] == pytest.approx(entry.metrics["test/robust_accuracy.worst_case"])
        assert clean[entry.key] == pytest.approx(entry.metrics["test/clean_accuracy"])
    one = study.predictions_of(study.entries[0].key)
    assert len(one) == study.entries[0].metrics["test/samples"]
    assert one["sample"].tolist() == list(range(len(one)))


def test_models_are_compared_on_the_samples_they_share(cells: dict[str, Any]) -> None:
    study = cells["study"]
    found = study.compare_samples("mp")
    assert found["seed"].tolist() == [1, 2, 3]
    assert (found["both"] + found["only_arm"] + found["only_baseline"] + found["neither"]).tolist() == found[
        "n"
    ].tolist()
    effect = study.effects.set_index("arm").loc["mp"]
    assert found["difference"].mean() == pytest.approx(effect["mean"])
    two = {(row["arm"], row["seed"]): row["trial"] for row in study.trials.to_dict("records")}
    [single] = study.compare_samples(two["mp", 1], two["sta", 1]).to_dict("records")
    of_seed = found.set_index("seed").loc[1]
    assert (single["only_arm"], single["p"]) == (of_seed["only_arm"], of_seed["p"])


def test_the_report_says_of_single_samples_what_the_notebook_says(cells: dict[str, Any], ran: Path) -> None:
    page = (ran / "runs/studies/quickstart-ablation/report.html").read_text()
    shown = re.findall(r'<section id="samples">.*?</section>', page, re.DOTALL)[0]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr><td.*?</tr>", shown, re.DOTALL)]
    assert [row[0] for row in rows] == ["mta", "mp"]
    for row in rows:
        tests = cells["study"].compare_samples(row[0])
        assert len(tests) == 3
        for cell, name in ((row[1], "only_arm"), (row[2], "only_baseline")):
            counts = tests[name]
            spread = f" ({counts.min()} to {counts.max()})"
            assert cell == (f"{counts.mean():.1f}{spread}" if counts.nunique() > 1 else str(counts[0]))
    assert "Holm-adjusted over all 6 pairs" in shown


@pytest.mark.parametrize("name", ["trials", "arms", "effects", "curves", "predictions"])
def test_arrow_tables_hold_the_same(cells: dict[str, Any], name: str) -> None:
    frame, table = getattr(cells["study"], name), cells["study"].arrow(name)
    assert table.column_names == list(frame.columns)
    assert table.num_rows == len(frame)
    back = table.to_pandas()
    for column in frame.columns:
        if pd.api.types.is_float_dtype(frame[column]):
            assert np.array_equal(back[column], frame[column], equal_nan=True)


def test_figures_are_the_reports(cells: dict[str, Any], ran: Path) -> None:
    study = cells["study"]
    figures = [study.plot.forest(), study.plot.arms(), study.plot.curves(), study.plot.tradeoff()]
    assert all(isinstance(figure, matplotlib.figure.Figure) and figure.axes for figure in figures)
    assert figures[0]._repr_png_().startswith(b"\x89PNG"), "as notebooks ask for it"
    assert pickle.loads(pickle.dumps(figures[0])).axes
    labels = [text.get_text() for text in study.plot.arms().axes[0].get_yticklabels()]
    assert labels == ["sta", "mta", "mp"]
    with pytest.raises(
        NoFigure, match=r"quickstart-ablation is an ablation and has no figure 'history'.*it has forest"
    ):
        study.plot.history()
    search = saddle.load("quickstart-search", storage=ran / "runs")
    assert search.plot.history().axes
    assert search.plot.slices().axes
    assert "parallel" not in search.plot.names
    with pytest.raises(NothingToDraw, match=r"Parameters together: .* 3 completed trials"):
        search.plot.parallel()
    assert all(isinstance(search.plot(name), matplotlib.figure.Figure) for name in search.plot.names)
    assert len(search.arms) == len(search.effects) == 0
    assert "verdict" in search.effects
