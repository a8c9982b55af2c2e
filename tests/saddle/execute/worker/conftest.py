"""Orders for the fake trainable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from saddle.trial.messages import Order
from saddle.trial.run_id import RunId


@pytest.fixture
def make_order(tmp_path: Path) -> Any:
    def make(key: str = "t", *, time_limit: float | None = None, seed: int = 0, **params: Any) -> Order:
        return Order(
            run=RunId("s", "inst"),
            key=key,
            trainable="parabola",
            params=params,
            seed=seed,
            select=("validation/score", "maximize"),
            required=("validation/score",),
            storage=str(tmp_path),
            time_limit=time_limit,
        )

    return make
