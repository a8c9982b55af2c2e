"""How every trainable makes batches: as torch would, but for a last batch that holds a single image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from saddle.execute.worker.sharded_sampler import share_out
from trainables import adversarial_training as method
from trainables.batches import LEAST, make_loader
from trainables.contract import InProcessRun
from trainables.datasets import DataError
from trainables.randomness import EpochOrder


class Numbers(torch.utils.data.Dataset[torch.Tensor]):
    """The numbers 0 … n - 1 as samples."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    def __getitems__(self, index: list[int]) -> torch.Tensor:
        return torch.tensor(index)


def loader(n: int, batch_size: int) -> DataLoader[Any]:
    return make_loader(Numbers(n), EpochOrder(n, seed=3), batch_size)


def as_lists(batches: Any) -> list[list[int]]:
    return [batch.tolist() for batch in batches]


def plain(n: int, batch_size: int) -> Iterator[list[int]]:
    """What torch makes of the same order."""
    for batch in DataLoader(list(EpochOrder(n, seed=3)), batch_size=batch_size):  # type: ignore[arg-type]
        yield batch.tolist()


@pytest.mark.parametrize("batch_size", [1, 2, 4, 7])
@pytest.mark.parametrize("n", [2, 3, 5, 8, 9, 15])
def test_only_a_last_batch_of_one_image_is_left_out(n: int, batch_size: int) -> None:
    made = loader(n, batch_size)
    wanted = [batch for batch in plain(n, batch_size) if batch_size == 1 or len(batch) > 1]
    assert as_lists(made) == wanted
    assert len(made) == len(wanted)


def test_a_single_image_is_refused_where_it_would_be_left_out() -> None:
    with pytest.raises(DataError, match="1 training image is too few for batches of 50; give at least 2"):
        loader(1, 50)
    assert as_lists(loader(1, 1)) == [[0]]


@pytest.mark.parametrize("world_size", [2, 3])
@pytest.mark.parametrize("n", range(8, 17))
def test_no_rank_gets_a_single_image_of_a_last_batch(n: int, world_size: int) -> None:
    whole = loader(n, 8)
    parts = [share_out(whole, rank, world_size) for rank in range(world_size)]
    steps = list(zip(*map(as_lists, parts), strict=True))
    assert all(len(part) >= LEAST for step in steps for part in step)
    assert {len(part) for part in parts} == {len(steps)}, "ranks step equally often, and say how often"
    wanted = [sorted(batch) for batch in as_lists(whole) if len(batch) == 8 or len(batch) >= LEAST * world_size]
    assert [sorted(number for part in step for number in part) for step in steps] == wanted


def test_batches_that_are_all_small_are_shared_as_they_are() -> None:
    """Whoever asks for two images a step and two workers has one each; leaving them out would train nothing."""
    assert [as_lists(share_out(loader(4, 2), rank, 2)) for rank in (0, 1)] == [
        [[batch[rank]] for batch in plain(4, 2)] for rank in (0, 1)
    ]


def test_too_few_samples_for_the_workers_are_refused() -> None:
    with pytest.raises(ValueError, match="3 samples in batches of 50 are too few for 2 workers; take fewer workers"):
        share_out(loader(3, 50), 0, 2)


@pytest.mark.parametrize("network", ["resnet18", "wide_resnet"])
def test_a_network_with_batch_norm_bears_any_number_of_images(network: str) -> None:
    """101 images in batches of 50 leave one over, whose feature maps have a single pixel at 8×8."""
    settings = {"dataset": "digits", "network": network, "train_size": 101, "batch_size": 50, "epochs": 1, "steps": 1}
    config = method.Config.model_validate({**settings, "test_size": 10, "width": 2})
    [report] = method.train(config, InProcessRun())
    assert report.metrics["train/loss"] > 0
