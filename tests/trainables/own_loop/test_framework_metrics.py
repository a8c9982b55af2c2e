"""Names that frameworks log, as those of the contract."""

from __future__ import annotations

import pytest

from trainables.contract import METRIC_NAME
from trainables.own_loop.framework_metrics import contract_metrics, metric_name


@pytest.mark.parametrize(
    ("logged", "name"),
    [
        ("val_accuracy", "validation/accuracy"),
        ("eval_accuracy", "validation/accuracy"),
        ("valid/loss", "validation/loss"),
        ("Val/F1-Score", "validation/f1_score"),
        ("train_loss_epoch", "train/loss_epoch"),
        ("test_loss", "test/loss"),
        ("accuracy", "validation/accuracy"),
        ("value", "validation/value"),
        ("val_5-shot", "validation/metric_5_shot"),
        ("val_robust.pgd.", "validation/robust.pgd"),
        ("val_…", "validation/metric"),
    ],
)
def test_a_logged_name_becomes_one_of_the_contract(logged: str, name: str) -> None:
    assert metric_name(logged, "validation") == name
    assert METRIC_NAME.fullmatch(name)


def test_two_that_would_be_one_are_refused() -> None:
    assert contract_metrics({"loss": 1, "val_loss": 2.0}, "train") == {"train/loss": 1.0, "validation/loss": 2.0}
    with pytest.raises(ValueError, match="'val_loss' and 'valid_loss' are both logged, and both are validation/loss"):
        contract_metrics({"val_loss": 1.0, "valid_loss": 2.0}, "validation")
