"""Intervals of shares: the ordinary Wilson interval, and one that holds where images of a group are alike."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import binomtest
from torch import Tensor

from trainables.evaluation.grouped_interval import grouped_wilson, several_to_a_group

TRACKS, FRAMES = 40, 30


@pytest.mark.parametrize(
    ("right", "n", "expected"),
    [(8, 10, (0.4902, 0.9433)), (0, 20, (0.0, 0.1611)), (20, 20, (0.8389, 1.0))],
)
def test_the_wilson_interval(right: int, n: int, expected: tuple[float, float]) -> None:
    known = torch.arange(n) < right
    assert grouped_wilson(known) == pytest.approx(expected, abs=1e-4)
    assert grouped_wilson(known, torch.arange(n)) == grouped_wilson(known), "a group of one image is that image"
    found = binomtest(right, n).proportion_ci(method="wilson")
    assert grouped_wilson(known) == pytest.approx((found.low, found.high), abs=1e-12)


def test_copies_of_an_image_say_no_more_than_the_image() -> None:
    once = torch.arange(TRACKS) < 25
    groups = torch.arange(TRACKS).repeat_interleave(FRAMES)
    low, high = grouped_wilson(once.repeat_interleave(FRAMES), groups)
    alone = grouped_wilson(once)
    assert (low, high) == pytest.approx(alone, abs=0.012), "but for G - 1 degrees of freedom"
    assert low < alone[0]
    assert high > alone[1]
    shuffled = torch.randperm(len(groups), generator=torch.Generator().manual_seed(0))
    assert grouped_wilson(once.repeat_interleave(FRAMES)[shuffled], 7 * groups[shuffled]) == pytest.approx((low, high))


def test_where_all_are_right_groups_count() -> None:
    right = torch.ones(TRACKS * FRAMES, dtype=torch.bool)
    assert grouped_wilson(right, torch.arange(len(right)) // FRAMES) == grouped_wilson(right[:TRACKS])
    assert grouped_wilson(right, torch.zeros(len(right), dtype=torch.int64)) == grouped_wilson(right[:1])
    with pytest.raises(ValueError, match="no images"):
        grouped_wilson(right[:0])


def tracks(generator: torch.Generator, share: float) -> Tensor:
    """Tracks most of whose frames are right or wrong together, about `share` of them right."""
    good = torch.rand(TRACKS, 1, generator=generator) < share
    chance = torch.where(good, 0.95, 0.05)
    return (torch.rand(TRACKS, FRAMES, generator=generator) < chance).flatten()


def test_it_holds_the_share_as_often_as_it_says_and_the_ordinary_one_does_not() -> None:
    generator, share = torch.Generator().manual_seed(0), 0.6
    truth, groups = 0.95 * share + 0.05 * (1 - share), torch.arange(TRACKS * FRAMES) // FRAMES
    held = {"by group": 0, "by image": 0}
    for _ in range(1000):
        right = tracks(generator, share)
        for name, of in (("by group", groups), ("by image", None)):
            low, high = grouped_wilson(right, of)
            held[name] += low <= truth <= high
    print(f"\ncoverage of 95 % intervals over 1,000 draws: {held}")
    assert 930 <= held["by group"] <= 985
    assert held["by image"] < 500


def test_groups_matter_where_some_have_several_images() -> None:
    assert several_to_a_group(torch.tensor([3, 1, 3]))
    assert not several_to_a_group(torch.tensor([3, 1, 2]))
    assert not several_to_a_group(None)
