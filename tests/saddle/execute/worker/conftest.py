"""What a slot is told of trials of the fake trainable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from saddle.trainable_source import TrainableSource
from saddle.trial.messages import StartMessage
from saddle.trial.placement import Placement
from saddle.trial.run_id import RunId
from saddle.trial.spec import TrialSpec


@pytest.fixture
def make_start(tmp_path: Path) -> Any:
    def make(key: str = "t", *, time_limit: float | None = None, seed: int = 0, **params: Any) -> StartMessage:
        return StartMessage(
            TrialSpec(key, RunId("s", "inst"), {}, seed, params=params),
            Placement(str(tmp_path), time_limit=time_limit),
            TrainableSource("parabola"),
            select=("validation/score", "maximize"),
            required=("validation/score",),
        )

    return make
