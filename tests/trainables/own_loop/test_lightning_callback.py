"""A Lightning `Trainer` inside a training function: its epochs, its state, and where it is stopped."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import saddle
from tests.support.infra_tools import module
from trainables.contract import InProcessRun, Report
from trainables.own_loop.function import FunctionTrainable, adapt_function
from trainables.own_loop.loop_run import LoopRun
from trainables.own_loop.terms import StudyTerms

TERMS = StudyTerms({"epochs": 3, "every": 1}, {"validation/accuracy": "maximize"}, "validation/accuracy")
POINTS = torch.randn(60, 2, generator=torch.Generator().manual_seed(0))
DATA = TensorDataset(POINTS, (POINTS[:, 0] > 0).long())


@pytest.fixture
def make_module() -> Callable[[], Any]:
    """Makes a module with dropout, momentum and a schedule, so that continuing has something to get wrong."""
    lightning = module("lightning")

    class Halves(lightning.LightningModule):  # type: ignore[name-defined, misc]
        def __init__(self, anything: Any) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layers = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))

        def training_step(self, batch: list[Tensor], place: int) -> Tensor:
            loss = nn.functional.cross_entropy(self.layers(batch[0]), batch[1])
            self.log("loss", loss, on_step=False, on_epoch=True)
            return loss

        def on_train_epoch_end(self) -> None:
            self.log("train_rate", self.trainer.optimizers[0].param_groups[0]["lr"])

        def validation_step(self, batch: list[Tensor], place: int) -> None:
            self.log("accuracy", (self.layers(batch[0]).argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)]

    return lambda: Halves(object())


@pytest.fixture
def trainable(make_module: Callable[[], Any], tmp_path: Any) -> FunctionTrainable:
    lightning = module("lightning")

    def train(config: Any, run: LoopRun) -> None:
        callback = saddle.LightningCallback(run)
        trainer = lightning.Trainer(
            max_epochs=config.epochs, check_val_every_n_epoch=config.every, callbacks=[callback],
            accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, default_root_dir=tmp_path,
        )  # fmt: skip
        loader = DataLoader(DATA, batch_size=10, shuffle=True)
        trainer.fit(make_module(), loader, DataLoader(DATA, batch_size=60), ckpt_path=callback.checkpoint)

    return adapt_function(train, {}, TERMS)


def reports_of(trainable: FunctionTrainable, state: Any = None, **config: Any) -> list[Report]:
    return list(trainable.train(trainable.Config(**config), InProcessRun(state=state)))


def test_each_epoch_is_reported_under_the_names_of_the_contract(trainable: FunctionTrainable) -> None:
    reports = reports_of(trainable)
    assert [set(report.metrics) for report in reports] == [{"train/loss", "train/rate", "validation/accuracy"}] * 3
    assert [report.metrics["train/rate"] for report in reports] == pytest.approx([0.05, 0.025, 0.0125])
    assert "state" not in trainable.LACKS
    assert "resume" not in trainable.LACKS


def test_an_epoch_without_validation_repeats_no_earlier_one(trainable: FunctionTrainable) -> None:
    reports = reports_of(trainable, every=2)
    assert ["validation/accuracy" in report.metrics for report in reports] == [False, True, False]


@pytest.mark.parametrize("epochs_done", [1, 2])
def test_a_resumed_fit_equals_an_undisturbed_one(
    trainable: FunctionTrainable, epochs_done: int, through_a_file: Callable[[Any], Any]
) -> None:
    whole = reports_of(trainable)
    rest = reports_of(trainable, through_a_file(whole[epochs_done - 1].state))
    assert [report.metrics for report in rest] == [report.metrics for report in whole[epochs_done:]]
    assert rest[-1].state is not None
    assert whole[-1].state is not None
    assert rest[-1].state["epoch"] == 3
    for name, weight in whole[-1].state["model"].items():
        assert torch.equal(rest[-1].state["model"][name], weight), name


def test_a_stopped_trial_ends_its_fit(trainable: FunctionTrainable) -> None:
    reports = trainable.train(trainable.Config(epochs=1000), InProcessRun())
    next(reports)
    next(reports)
    reports.close()  # type: ignore[attr-defined]  # raises where the fit continues


def test_several_workers_are_refused() -> None:
    module("lightning")
    with pytest.raises(ValueError, match=r"resources\.workers is 1, not 2"):
        saddle.LightningCallback(LoopRun(InProcessRun(world_size=2), lambda report: None))


def test_where_lightning_is_missing_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "trainables.own_loop.lightning_callback", raising=False)
    monkeypatch.setitem(sys.modules, "lightning", None)
    monkeypatch.setitem(sys.modules, "lightning.pytorch", None)
    with pytest.raises(ImportError, match=r"pip install 'saddle\[lightning\]'"):
        _ = saddle.LightningCallback
