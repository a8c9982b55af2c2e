"""A Hugging Face `Trainer` inside a training function: its evaluations, its state, and where it is stopped."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import saddle
from tests.support.infra_tools import module
from trainables.contract import InProcessRun, Report
from trainables.own_loop.function import FunctionTrainable, adapt_function
from trainables.own_loop.loop_run import LoopRun
from trainables.own_loop.terms import StudyTerms

TERMS = StudyTerms({"epochs": 3, "by": "epoch", "sets": 1}, {"validation/accuracy": "maximize"}, "validation/accuracy")
WORDS = torch.randint(0, 16, (60, 4), generator=torch.Generator().manual_seed(0))
EXAMPLES = [{"input_ids": words, "labels": int(words[0] > 7)} for words in WORDS]


@pytest.fixture
def trainable(tmp_path: Path) -> FunctionTrainable:
    transformers = module("transformers")

    def make_model() -> Any:
        size = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
        config = transformers.BertConfig(vocab_size=16, max_position_embeddings=4, num_labels=2, **size)
        return transformers.BertForSequenceClassification(config)

    def train(config: Any, run: LoopRun) -> None:
        callback = saddle.TransformersCallback(run)
        arguments = transformers.TrainingArguments(
            output_dir=str(tmp_path), learning_rate=1e-2, num_train_epochs=config.epochs, seed=run.seed,
            per_device_train_batch_size=10, eval_strategy=config.by, eval_steps=6, logging_steps=2,
            eval_on_start=True, save_strategy="no", report_to="none", use_cpu=True, disable_tqdm=True,
        )  # fmt: skip
        held_out = EXAMPLES[40:] if config.sets == 1 else {"a": EXAMPLES[40:50], "b": EXAMPLES[50:]}
        trainer = transformers.Trainer(
            make_model(), arguments, train_dataset=EXAMPLES[:40], eval_dataset=held_out,
            compute_metrics=lambda p: {"accuracy": (p.predictions.argmax(-1) == p.label_ids).mean()},
            callbacks=[callback],
        )  # fmt: skip
        trainer.train(resume_from_checkpoint=callback.checkpoint)
        trainer.evaluate()

    return adapt_function(train, {}, TERMS)


def reports_of(trainable: FunctionTrainable, state: Any = None, **config: Any) -> list[Report]:
    return list(trainable.train(trainable.Config(**config), InProcessRun(state=state)))


def test_evaluations_of_the_training_are_reported_and_no_others(trainable: FunctionTrainable) -> None:
    reports = reports_of(trainable)
    names = {"train/loss", "train/grad_norm", "train/learning_rate", "validation/loss", "validation/accuracy"}
    assert [set(report.metrics) for report in reports] == [names] * 3
    assert "state" not in trainable.LACKS
    assert "resume" not in trainable.LACKS


@pytest.mark.parametrize("by", ["epoch", "steps"])  # 4 steps are an epoch, and every 6 are evaluated
def test_a_resumed_training_equals_an_undisturbed_one(
    trainable: FunctionTrainable, by: str, through_a_file: Callable[[Any], Any]
) -> None:
    whole = reports_of(trainable, by=by)
    assert len(whole) == (3 if by == "epoch" else 2)
    rest = reports_of(trainable, through_a_file(whole[0].state), by=by)
    assert [report.metrics for report in rest] == [report.metrics for report in whole[1:]]
    assert rest[-1].state is not None
    assert whole[-1].state is not None
    for name, weight in whole[-1].state["model"].items():
        assert torch.equal(rest[-1].state["model"][name], weight), name


def test_a_stopped_trial_ends_its_training(trainable: FunctionTrainable) -> None:
    reports = trainable.train(trainable.Config(epochs=1000), InProcessRun())
    next(reports)
    next(reports)
    reports.close()  # type: ignore[attr-defined]  # raises where the training continues


def test_several_evaluation_sets_are_refused(trainable: FunctionTrainable) -> None:
    with pytest.raises(ValueError, match="step 4 is evaluated twice: give the Trainer one dataset as eval_dataset"):
        reports_of(trainable, sets=2)


def test_several_workers_are_refused() -> None:
    module("transformers")
    with pytest.raises(ValueError, match=r"resources\.workers is 1, not 2"):
        saddle.TransformersCallback(LoopRun(InProcessRun(world_size=2), lambda report: None))


def test_where_transformers_is_missing_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "trainables.own_loop.transformers_callback", raising=False)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r"pip install 'saddle\[transformers\]'"):
        _ = saddle.TransformersCallback
