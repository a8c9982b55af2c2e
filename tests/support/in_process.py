"""A whole study run by saddle's own driver in this process: all is real but Ray, which takes a minute to start."""

from __future__ import annotations

from typing import Any

import pytest

from saddle.execute import driver
from saddle.execute.conductor import Conductor
from saddle.execute.driver import Options, StudyResult, run_study
from saddle.execute.order import EpochMessage, Order, dump_message
from saddle.execute.slot import MESSAGE, ORDER
from saddle.execute.train_run import DataCache
from saddle.execute.training import Training
from saddle.store.base import Store
from saddle.study.loader import parse_studies


def train_all(conductor: Conductor, slots: int) -> None:
    """Train one trial after the other and tell the conductor what a slot would tell it."""
    trial: Any = None  # Tune's, which the conductor doesn't look into
    while (proposal := conductor.propose()) is not None:
        order = Order.parse(conductor.order(proposal)[ORDER])
        for message in Training(order, DataCache(None)).messages():
            result = {MESSAGE: dump_message(message)}
            if not isinstance(message, EpochMessage):
                conductor.hear_end(result)
            elif conductor.hear_epoch(trial, result):
                break


def run_in_process(store: Store, text: str, *, fresh: bool = False, track: bool = True) -> list[StudyResult]:
    """Run the studies written in `text` on two CPUs that nobody asks for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "run_all", train_all)
        options = Options(fresh=fresh, track=track)
        return [run_study(study, store, [{"CPU": 2.0}], options) for study in parse_studies(text, "studies.yaml")]
