"""The seam of analyses: what is asked is run, what is needed is made once, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from trainables import adversarial_training, counterfactual_gan
from trainables.adversarial_training.analysis_table import ANALYSES
from trainables.contract import InProcessRun, Metric, resolve
from trainables.counterfactual_gan.analysis_table import ANALYSES as OF_GAN
from trainables.evaluation.analysis import Analysis, AnalysisTable, Findings, Provision


def mean_of(config: Any, arrays: Any) -> Findings:
    return Findings({"mean": float(arrays["value"].mean()) * config.factor}, arrays={**arrays})


MEAN = Analysis[Any](
    name="mean",
    says="the mean",
    metrics={"mean": Metric("maximize")},
    measure=lambda part: Findings(arrays={"value": part.values}),
    summarise=mean_of,
)
LARGEST = Analysis[Any](
    name="largest",
    says="the largest",
    metrics={"largest": Metric("maximize")},
    measure=lambda part: Findings({"largest": float(part.values.max())}),
    needs=frozenset({"values"}),
    cost=lambda config, tested: {"network": float(tested)},
)
VALUES = Provision(cost=lambda config, tested: {"network": 10.0 * tested}, refusal=lambda config: config.refusal)
TABLE: AnalysisTable[Any] = AnalysisTable({"mean": MEAN, "largest": LARGEST}, {"values": VALUES})


def chosen(*names: str, factor: float = 1.0, refusal: str = "") -> Any:
    return SimpleNamespace(analyses=names, factor=factor, refusal=refusal)


def test_parts_are_put_together_before_they_are_summed_up() -> None:
    parts = [SimpleNamespace(values=torch.tensor(values)) for values in ([1.0, 2.0], [6.0])]
    found = TABLE.run(chosen("mean", factor=2.0), parts)
    assert found.metrics == {"mean": 6.0}
    assert found.arrays["value"].tolist() == [1.0, 2.0, 6.0]


def test_one_that_is_not_chosen_is_not_run_and_without_any_nothing_is_begun() -> None:
    def parts() -> Iterator[Any]:
        raise AssertionError("begun")
        yield

    assert TABLE.run(chosen("epoch_seconds"), parts()) == Findings()
    assert TABLE.needs(chosen("mean")) == frozenset()
    assert TABLE.needs(chosen("mean", "largest")) == {"values"}


def test_a_cost_is_that_of_the_analyses_and_of_what_they_need_once() -> None:
    assert TABLE.cost(chosen("mean"), 5) == {}
    assert TABLE.cost(chosen("largest", "mean"), 5) == {"network": 55.0}


def test_what_can_not_be_made_is_said_before_anything_runs() -> None:
    assert TABLE.refusal(chosen("largest", refusal="lack values")) == "analyses largest lack values"
    assert TABLE.refusal(chosen("mean", refusal="lack values")) == ""
    with pytest.raises(TypeError, match="analysis 'largest' needs 'values'; its trainable makes nothing"):
        AnalysisTable({"largest": LARGEST})


@pytest.mark.parametrize(
    ("method", "table"), [(adversarial_training, ANALYSES), (counterfactual_gan, OF_GAN)], ids=["s3", "s1"]
)
def test_both_trainables_declare_what_their_tables_do(method: Any, table: AnalysisTable[Any]) -> None:
    assert set(table.metrics) <= set(method.METRICS)
    assert all(f"{name}, {entry.says}" in table.described for name, entry in table.entries.items())
    description = method.Config.model_fields["analyses"].description
    assert table.described in description


def test_nothing_is_attacked_for_an_analysis_that_needs_no_attack(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"tasks": ["odd_even"], "epochs": 1, "steps": 1, "width": 1, "attack_steps": 2, "test_size": 50}
    config = resolve(adversarial_training, {**given, "train_size": 100, "attacks": "fgsm"}).config
    *_, report = adversarial_training.train(config, InProcessRun())
    attacked: list[str] = []
    monkeypatch.setattr(
        "trainables.adversarial_training.evaluation.analysed_batches.TaskAttacks", lambda *_: attacked.append("begun")
    )
    looks: Analysis[Any] = Analysis(
        name="brightness",
        says="how bright images are",
        metrics={"brightness": Metric("maximize")},
        measure=lambda batch: Findings(arrays={"brightness": batch.images.flatten(1).mean(1)}),
        summarise=lambda config, found: Findings({"brightness": float(found["brightness"].mean())}),
    )
    table = AnalysisTable({**ANALYSES.entries, "brightness": looks}, ANALYSES.provisions)
    monkeypatch.setattr("trainables.adversarial_training.evaluation.evaluation.ANALYSES", table)
    asked = config.model_copy(update={"analyses": ("brightness",)})
    found = adversarial_training.evaluate(asked, report.state, InProcessRun())
    assert 0 < found.metrics["test/brightness"] < 1
    assert not attacked


def test_an_analysis_that_forgot_what_it_needs_is_told() -> None:
    from trainables.adversarial_training.evaluation.analysed_batches import Batch

    batch = Batch(None, slice(0, 1), torch.zeros(1, 1, 2, 2), torch.zeros(1, 1), None)  # type: ignore[arg-type]
    with pytest.raises(LookupError, match=r"declares needs=\{'perturbations'\}"):
        _ = batch.perturbations
