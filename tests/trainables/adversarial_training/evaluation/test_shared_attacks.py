"""Which samples each rank attacks: every sample is one rank's, and none has more to do than the others."""

from __future__ import annotations

import pytest
import torch

from trainables.adversarial_training.evaluation.shared_attacks import own_samples


@pytest.mark.parametrize("ranks", [1, 2, 3, 8])
@pytest.mark.parametrize("every", [1, 2, 10])
def test_samples_that_stand_are_dealt_out_evenly_whatever_their_order(ranks: int, every: int) -> None:
    """As of a network that answers one class alone, where classes take turns."""
    standing = torch.arange(400) % every == 0
    own = torch.stack([own_samples(standing, rank, ranks) for rank in range(ranks)])
    assert torch.equal(own.sum(0), torch.ones(400, dtype=torch.int64))
    for counted in (standing, ~standing):
        shares = (own & counted).sum(1)
        assert shares.max() - shares.min() <= 1


def test_none_or_all_may_stand() -> None:
    for standing in (torch.zeros(5, dtype=torch.bool), torch.ones(5, dtype=torch.bool)):
        assert [int(own_samples(standing, rank, 2).sum()) for rank in range(2)] == [2, 3]
