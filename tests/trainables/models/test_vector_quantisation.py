"""Vector quantisation: nearest codes, straight-through gradients, codes that follow the data."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from trainables.models.generators.vector_quantisation import VectorQuantiser


@pytest.fixture
def features() -> Tensor:
    return torch.randn(3, 4, 5, 6, generator=torch.Generator().manual_seed(0))


def vectors_of(maps: Tensor) -> Tensor:
    return maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1])


def test_every_place_becomes_its_nearest_code(features: Tensor) -> None:
    quantiser = VectorQuantiser(4, codes=16).eval()
    made, commitment, perplexity = quantiser(features)
    nearest = torch.cdist(vectors_of(features), quantiser.codes).argmin(dim=1)
    torch.testing.assert_close(vectors_of(made), quantiser.codes[nearest])
    torch.testing.assert_close(commitment, (made - features).square().mean())
    share = nearest.bincount(minlength=16) / len(nearest)
    torch.testing.assert_close(perplexity, torch.special.entr(share).sum().exp())


def test_gradients_pass_straight_through_and_the_commitment_pulls_to_the_codes(features: Tensor) -> None:
    quantiser = VectorQuantiser(4, codes=16).eval()
    features.requires_grad_()
    made, commitment, _ = quantiser(features)
    wanted = torch.randn_like(made)
    (straight,) = torch.autograd.grad((made * wanted).sum(), features, retain_graph=True)
    torch.testing.assert_close(straight, wanted)
    (pull,) = torch.autograd.grad(commitment, features)
    torch.testing.assert_close(pull, 2 * (features - made).detach() / features.numel())


def test_perplexity_counts_codes_that_are_used_alike() -> None:
    quantiser = VectorQuantiser(4, codes=16).eval()
    places = quantiser.codes[:6].T.reshape(1, 4, 2, 3)
    torch.testing.assert_close(quantiser(places)[2], torch.tensor(6.0))
    torch.testing.assert_close(quantiser(places[:, :, :1, :1].expand(2, 4, 3, 3))[2], torch.tensor(1.0))


def test_codes_are_moving_averages_of_the_vectors_nearest_to_them(features: Tensor) -> None:
    quantiser = VectorQuantiser(4, codes=3, decay=0.9)
    quantiser.counts.fill_(40.0)  # none is dead
    quantiser.sums.copy_(40 * quantiser.codes)
    before = quantiser.codes.clone()
    vectors = vectors_of(features)
    nearest = torch.cdist(vectors, before).argmin(dim=1)
    quantiser(features)
    for code in range(3):
        mine = vectors[nearest == code]
        count = 0.9 * 40 + 0.1 * len(mine)
        torch.testing.assert_close(quantiser.counts[code], torch.tensor(count))
        torch.testing.assert_close(quantiser.codes[code], (0.9 * 40 * before[code] + 0.1 * mine.sum(0)) / count)


def test_codes_start_from_data_and_dead_ones_come_back_to_it(features: Tensor) -> None:
    quantiser = VectorQuantiser(4, codes=8, decay=0.5)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        quantiser(features)
        assert torch.cdist(quantiser.codes, vectors_of(features)).min(dim=1).values.max() < 2
        far = features + 100
        for _ in range(6):
            _, commitment, _ = quantiser(far)
    assert torch.cdist(quantiser.codes, vectors_of(far)).min(dim=1).values.max() < 2  # all moved, none is left behind
    assert commitment < 1


def test_codes_find_the_clusters_of_what_they_see() -> None:
    generator = torch.Generator().manual_seed(0)
    centres = 10 * torch.randn(6, 4, generator=generator)
    quantiser = VectorQuantiser(4, codes=32, decay=0.9)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        for _ in range(200):
            drawn = centres[torch.randint(6, (64,), generator=generator)]
            drawn = drawn + 0.1 * torch.randn(64, 4, generator=generator)
            quantiser(drawn.T.reshape(1, 4, 8, 8))
    _, commitment, perplexity = quantiser.eval()(centres.T.reshape(1, 4, 2, 3))
    assert commitment < 0.02  # of clusters whose coordinates vary by 0.01
    assert round(perplexity.item()) == 6


def test_a_trained_quantiser_changes_nothing_and_its_codes_are_stored(features: Tensor) -> None:
    quantiser = VectorQuantiser(4, codes=16)
    quantiser(features)
    before = copy.deepcopy(quantiser.state_dict())
    assert sorted(before) == ["codes", "counts", "sums"]
    made = quantiser.eval()(features)[0]
    assert all(torch.equal(value, before[name]) for name, value in quantiser.state_dict().items())
    loaded = VectorQuantiser(4, codes=16).eval()
    loaded.load_state_dict(before)
    assert torch.equal(loaded(features)[0], made)


def test_one_seed_chooses_the_same_restarts(features: Tensor) -> None:
    found = []
    for seed in (0, 0, 1):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            quantiser = VectorQuantiser(4, codes=16)
            quantiser(features)
        found.append(quantiser.codes)
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_half_precision_does_not_choose_other_codes(features: Tensor) -> None:
    quantiser = VectorQuantiser(4, codes=64).eval()
    full = quantiser(features)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = quantiser(features)
    assert all(torch.equal(one, two) for one, two in zip(full, mixed, strict=True))
