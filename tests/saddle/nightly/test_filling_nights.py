"""A pool that is filled over two nights, between which the numbers change."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.nightlies import NightlyProcess
from tests.support.nightly_repository import STUDY, ScratchRepository

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[NightlyProcess, list[str]]:
    """The pool of the first night is made larger; the second runs other code, its changes not committed."""
    folder = tmp_path_factory.mktemp("filling")
    (folder / "scratch.yaml").write_text(STUDY)
    process = NightlyProcess(folder, ScratchRepository.make(folder / "code"))
    said = [process.run("run", "--date", "2026-01-01", "--no-mlflow", "--set", "nightly.pool=3")]
    process.scratch.set_constants(strength=0.5)
    said.append(process.run("init", "--no-mlflow", code=1))
    return process, said


def night(process: NightlyProcess, place: int) -> dict[str, Any]:
    date = process.index()[place]["date"]
    loaded: dict[str, Any] = json.loads((process.pages / f"nights/{date}/night.json").read_text())
    return loaded


def test_the_pool_may_grow(nights: tuple[NightlyProcess, list[str]]) -> None:
    process, said = nights
    assert "Filling: 6 of 6" in said[0]
    assert len(night(process, 0)["measurements"]) == 6


def test_the_rest_is_trained_with_the_code_of_the_pool(nights: tuple[NightlyProcess, list[str]]) -> None:
    process, _ = nights
    pool = [each for place in (0, 1) for each in night(process, place)["measurements"] if each["purpose"] == "pool"]
    assert len(pool) == 24
    assert min(each["metrics"]["test/score"] for each in pool) > 0.8
    repeated = [each for each in night(process, 1)["measurements"] if each["purpose"] == "rotation"]
    assert repeated
    assert max(each["metrics"]["test/score"] for each in repeated) < 0.6


def test_changes_that_were_not_committed_are_named_and_shown(nights: tuple[NightlyProcess, list[str]]) -> None:
    process, said = nights
    assert "uncommitted changes" in said[1]
    date = process.index()[1]["date"]
    assert "STRENGTH = 0.5" in (process.pages / f"nights/{date}/code.diff").read_text()
    assert "STRENGTH = 0.5" in (process.pages / f"nights/{date}/report.html").read_text()
