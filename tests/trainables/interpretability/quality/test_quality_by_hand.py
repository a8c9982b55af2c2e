"""Metrics of attributions on maps and networks whose answers are known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from trainables.interpretability.quality.conciseness import complexity, sparseness
from trainables.interpretability.quality.imputation import imputed, neighbour_weights, road, road_gain
from trainables.interpretability.quality.localisation import mask_mass, mask_rank, mask_share, pointing_game
from trainables.interpretability.quality.randomised import randomised
from trainables.interpretability.quality.rank_correlation import spearman
from trainables.interpretability.quality.removal import deletion_gain, insertion_gain, order_of, random_areas
from trainables.interpretability.quality.stability import perturbed, stability


def one_pixel() -> Tensor:
    maps = torch.zeros(1, 4, 4)
    maps[0, 1, 2] = -3.0
    return maps


def test_a_single_pixel_is_concise_and_a_flat_map_is_not() -> None:
    flat, empty = torch.full((1, 4, 4), 0.2), torch.zeros(1, 4, 4)
    assert sparseness(torch.cat([one_pixel(), flat, empty])).tolist() == pytest.approx([1 - 1 / 16, 0, 0], abs=1e-5)
    assert complexity(torch.cat([one_pixel(), flat, empty])).tolist() == pytest.approx(
        [0, math.log(16), math.log(16)], abs=1e-4
    )
    halves = torch.tensor([[[1.0, -1.0], [0.0, 0.0]]])
    assert float(complexity(halves)) == pytest.approx(math.log(2), abs=1e-4)
    assert float(sparseness(halves)) == pytest.approx(0.5, abs=1e-5)


def test_scale_and_sign_of_a_map_change_nothing() -> None:
    maps = torch.randn(5, 6, 6, generator=torch.Generator().manual_seed(0))
    assert sparseness(-1e-6 * maps).tolist() == pytest.approx(sparseness(maps).tolist(), rel=1e-6)
    assert complexity(1e4 * maps).tolist() == pytest.approx(complexity(maps).tolist(), rel=1e-6)


def test_where_a_map_lies_is_counted() -> None:
    maps = torch.tensor([[[4.0, -3.0], [2.0, 1.0]]])
    masks = torch.tensor([[[True, False], [True, False]]])
    assert float(mask_rank(maps, masks)) == 0.5, "of the two largest, 4 and 3, one is marked"
    assert float(mask_mass(maps, masks)) == pytest.approx(0.6)
    assert float(pointing_game(maps, masks)) == 1
    assert float(pointing_game(maps, ~masks)) == 0
    assert float(mask_share(masks)) == 0.5


def test_a_map_of_zeros_and_an_empty_mask() -> None:
    zeros, masks = torch.zeros(1, 2, 2), torch.tensor([[[True, False], [False, False]]])
    assert float(pointing_game(zeros, masks)) == 0.25, "all pixels are the largest, and one of four is marked"
    assert float(mask_mass(zeros, masks)) == 0.25
    for score in (mask_rank, mask_mass, pointing_game):
        assert score(one_pixel(), torch.zeros(1, 4, 4, dtype=torch.bool)).isnan().all()
    assert mask_share(torch.zeros(1, 2, 2, dtype=torch.bool)).isnan().all()


def test_a_linear_networks_gradient_never_changes() -> None:
    images = torch.full((2, 1, 3, 3), 0.5)
    weights = torch.arange(1.0, 10).reshape(1, 3, 3).expand(2, -1, -1)

    def logits(pixels: Tensor) -> Tensor:
        score = (pixels[:, 0] * weights[0]).sum((1, 2))
        return torch.stack([score, score - 100], dim=1)

    steady = stability(lambda pixels: weights.clone(), logits, images, weights, 0.1)
    for values in (steady.largest, steady.average, steady.relative_input, steady.relative_output):
        assert values.tolist() == [0, 0]


def test_a_map_that_follows_the_image_changes_as_it_does() -> None:
    images = 0.3 + 0.4 * torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    found = stability(
        lambda pixels: pixels[:, 0], lambda pixels: pixels.flatten(1)[:, :2], images, images[:, 0], 0.01, draws=6
    )
    changes = torch.stack(
        [(noisy - images).double().flatten(1).norm(dim=1) for noisy in perturbed(images, 0.01, 0, 6)]
    ) / images.double().flatten(1).norm(dim=1)
    assert found.largest.tolist() == pytest.approx(changes.amax(0).tolist(), rel=1e-5)
    assert found.average.tolist() == pytest.approx(changes.mean(0).tolist(), rel=1e-5)
    assert found.relative_input.tolist() == pytest.approx([1, 1, 1], rel=1e-6), "map and image change alike"


def test_a_map_of_zeros_has_no_sensitivity_and_changed_predictions_no_relative_stability() -> None:
    images = torch.full((1, 1, 2, 2), 0.5)
    flips = iter([torch.tensor([[1.0, 0.0]]), *[torch.tensor([[0.0, 1.0]])] * 3])
    found = stability(
        lambda pixels: torch.zeros(1, 2, 2), lambda pixels: next(flips), images, torch.zeros(1, 2, 2), 0.1, draws=3
    )
    assert found.largest.isnan().all()
    assert found.relative_input.isnan().all()
    assert found.relative_output.isnan().all()


def test_noise_stays_within_its_radius_and_is_the_same_for_all() -> None:
    images = torch.rand(4, 1, 5, 5, generator=torch.Generator().manual_seed(2))
    whole = list(perturbed(images, 0.1, 7))
    for noisy, alone in zip(whole, perturbed(images[2:3], 0.1, 7), strict=True):
        assert float((noisy - images).abs().max()) <= 0.1 + 1e-6
        assert noisy.min() >= 0
        assert noisy.max() <= 1
        assert torch.equal(noisy[2:3], alone)


def test_deleting_what_decides_costs_most() -> None:
    """A network that looks at one pixel alone; the map that names it is the best there can be."""
    images = torch.zeros(1, 1, 4, 4)
    images[0, 0, 1, 2] = 1.0

    def probability(pixels: Tensor) -> Tensor:
        return (pixels[:, 0, 1, 2] > 0.5).double()

    deleted, inserted = random_areas(probability, images)
    assert 0.1 < float(deleted) < 0.9
    best, worst = one_pixel(), 1 - one_pixel().abs() / 3
    assert float(deletion_gain(probability, images, best, deleted)) == pytest.approx(
        1 - 1 / 32 / float(deleted), abs=1e-6
    )
    assert float(insertion_gain(probability, images, best, inserted)) == pytest.approx(
        (1 - 1 / 32 - float(inserted)) / (1 - float(inserted)), abs=1e-6
    )
    assert float(deletion_gain(probability, images, worst, deleted)) < 0
    assert float(insertion_gain(probability, images, worst, inserted)) < 0
    assert order_of(best)[0, 0] == 6


def test_a_hole_is_filled_by_its_neighbours() -> None:
    plane = torch.arange(25.0).reshape(1, 1, 5, 5) / 25
    gone = torch.zeros(1, 5, 5, dtype=torch.bool)
    gone[0, 1:4, 1:4] = True
    holed = torch.where(gone[:, None], torch.zeros(()), plane)
    assert imputed(holed, gone, noise=0.0)[0, 0].tolist() == [
        pytest.approx(row, abs=1e-6) for row in plane[0, 0].tolist()
    ]
    assert neighbour_weights(3, 3)[4].tolist() == pytest.approx(
        [1 / 12, 1 / 6, 1 / 12, 1 / 6, 0, 1 / 6, 1 / 12, 1 / 6, 1 / 12]
    )
    noisy = imputed(plane, gone, noise=0.01) - plane
    assert 0.003 < float(noisy[gone[:, None]].std()) < 0.03
    assert torch.equal(noisy[~gone[:, None]], torch.zeros(16))


def test_many_images_are_filled_as_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.rand(5, 3, 6, 6, generator=torch.Generator().manual_seed(3))
    gone = (torch.rand(5, 36, generator=torch.Generator().manual_seed(4)).argsort(1) < 9).reshape(5, 6, 6)
    whole = imputed(images, gone)
    monkeypatch.setattr("trainables.interpretability.quality.imputation.MOST_ENTRIES", 2 * 81)
    assert imputed(images, gone).flatten().tolist() == pytest.approx(whole.flatten().tolist(), abs=1e-6)
    assert imputed(images[3:4], gone[3:4]).flatten().tolist() == pytest.approx(whole[3].flatten().tolist(), abs=1e-6)


def test_road_counts_who_still_answers_alike() -> None:
    """A network that asks whether a bright pixel on dark ground is there: it can't be guessed from its neighbours."""
    images = torch.zeros(2, 1, 6, 6)
    images[:, 0, 3, 3] = 1.0
    named = torch.zeros(2, 6, 6)
    named[0, 3, 3] = 1.0
    named[1] = 1 - named[0]
    right = road(lambda pixels: pixels[:, 0, 3, 3] > 0.5, images, named)
    assert right.tolist() == [0, 1], "removed at once, and never"

    assert road_gain(0.2, 0.8) == pytest.approx(0.75)
    assert road_gain(0.8, 0.8) == 0


def test_ranks_share_ties() -> None:
    one = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    assert float(spearman(one, -(one**2))) == pytest.approx(1)
    assert float(spearman(one, 5 - one)) == pytest.approx(-1)
    ties = torch.tensor([[[1.0, 1.0], [2.0, 2.0]]])
    assert float(spearman(one, ties)) == pytest.approx(2 / math.sqrt(5), abs=1e-6)
    assert spearman(one, torch.ones(1, 2, 2)).isnan().all()


def test_all_weights_are_drawn_anew_and_the_networks_own_stay() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))
    before = [parameter.clone() for parameter in network.parameters()]
    state = torch.get_rng_state()
    fresh = randomised(network, 1)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(own, old) for own, old in zip(network.parameters(), before, strict=True))
    assert not torch.equal(fresh[0].weight, network[0].weight)
    assert not torch.equal(fresh[4].weight, network[4].weight)
    assert torch.equal(randomised(network, 1)[4].weight, fresh[4].weight)
    assert not torch.equal(randomised(network, 2)[4].weight, fresh[4].weight)


class Shuffled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.own = nn.Parameter(torch.arange(50.0))


def test_a_layer_without_initialisation_is_shuffled() -> None:
    fresh = randomised(Shuffled())
    assert not torch.equal(fresh.own, torch.arange(50.0))
    assert torch.equal(fresh.own.sort().values, torch.arange(50.0))
