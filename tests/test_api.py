"""saddle from a script or notebook: run, results, load."""

from __future__ import annotations

from pathlib import Path

import pytest

import saddle
from saddle.errors import UserError
from trainables.datasets import DataError

STUDY = """\
study: scripted
question: Where is the top?
trainable: parabola
search:
  x: {float: [0, 2]}
objective: {maximize: validation/score}
sampler: {random: {seed: 1}}
budget: {trials: 2}
"""


@pytest.mark.usefixtures("ray_session")
def test_a_study_is_run_read_and_its_model_loaded(tmp_path: Path) -> None:
    Path("scripted.yaml").write_text(STUDY)
    heard = []
    [result] = saddle.run(
        Path("scripted.yaml"), ["budget.trials=3"], storage=tmp_path / "kept", track=False, settled=heard.append
    )
    assert heard == [result]
    assert not result.interrupted
    assert result.answer.sentence.startswith("The best of 3 trials")
    assert Path(result.report).read_text().startswith("<!DOCTYPE html>")
    rows = saddle.results("scripted", storage=tmp_path / "kept")
    assert [row["trial"] for row in rows] == [entry.key for entry in result.entries]
    assert saddle.load_model("scripted/1", storage=tmp_path / "kept") == 3, "a parabola's model is its last epoch"
    assert saddle.load_model("scripted", storage=tmp_path / "kept") == 3
    study = saddle.load("scripted", storage=tmp_path / "kept")
    assert list(study.trials["trial"]) == [row["trial"] for row in rows]
    assert study.answer == result.answer
    assert study.model() == study.model("1") == 3


def test_what_the_caller_can_mend_is_one_kind_of_error(tmp_path: Path) -> None:
    Path("scripted.yaml").write_text(STUDY.replace("parabola", "parabla"))
    for call in (
        lambda: saddle.run("scripted.yaml"),
        lambda: saddle.run("nowhere.yaml"),
        lambda: saddle.run("quickstart", storage="s3://bucket"),
        lambda: saddle.results("scripted"),
        lambda: saddle.load("scripted"),
        lambda: saddle.load_model("scripted"),
    ):
        with pytest.raises(UserError):
            call()
    with pytest.raises(DataError, match="is not a folder"):
        saddle.run("quickstart", data_root="nowhere")
