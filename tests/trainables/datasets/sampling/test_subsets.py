"""Draws of test images: number 0 is the one of every study before, and draws of one size share no image."""

from __future__ import annotations

import pytest
import torch

from trainables.adversarial_training.config import Config
from trainables.adversarial_training.data import SUBSET_SEED, splits
from trainables.contract import InProcessRun
from trainables.datasets.dataset import stratified_order
from trainables.datasets.errors import DataError
from trainables.datasets.sampling.subsets import draw_subset

LABELS = torch.arange(60) % 3


def test_draws_are_disjoint_and_keep_the_classes() -> None:
    draws = [draw_subset(LABELS, 15, which, 7) for which in range(4)]
    assert torch.equal(draws[0], stratified_order(LABELS, 7)[:15])
    assert len(set(torch.cat(draws).tolist())) == 60
    assert all(LABELS[draw].bincount().tolist() == [5, 5, 5] for draw in draws)


@pytest.mark.parametrize(
    ("size", "said"), [(None, "needs a test_size"), (31, "needs 62 test images; the test split has 60")]
)
def test_a_draw_that_there_is_not_is_refused(size: int | None, said: str) -> None:
    assert len(draw_subset(LABELS, size, 0, 7)) == (size or 60)
    with pytest.raises(DataError, match=said):
        draw_subset(LABELS, size, 1, 7)


def test_the_defaults_keep_every_image_where_it_was_and_other_values_move_only_their_own_part() -> None:
    run = InProcessRun()
    data = run.data("digits")

    def chosen(**settings: int) -> tuple[list[int], list[int], list[int]]:
        found = splits(Config(train_size=200, test_size=100, **settings), data, run.device)
        return found.train.chosen.tolist(), found.validation.chosen.tolist(), found.test.chosen.tolist()

    train, validation, test = chosen()
    assert test == stratified_order(data.test.labels, SUBSET_SEED)[:100].tolist()
    other = chosen(test_subset=1)
    assert other[:2] == (train, validation)
    assert not set(other[2]) & set(test)
    split = chosen(split_seed=1)
    assert split[2] == test
    assert set(split[1]) != set(validation)
    assert not set(split[1]) & set(split[0])
