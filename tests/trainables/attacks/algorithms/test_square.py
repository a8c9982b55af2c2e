"""The Square attack takes AutoAttack's iterates with the same draws, and asks nothing twice."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from pyautoattack.square import SquareAttack
from torch import Tensor, nn

from tests.support.robust_digits import EPSILON, digits_images, robust_network
from trainables.attacks.algorithms.margin import margin
from trainables.attacks.algorithms.square import Draws, draw_squares, search, side_at, square
from trainables.attacks.objective import BestIterates, untargeted

pytestmark = pytest.mark.usefixtures("double_precision")


class FedSquareAttack(SquareAttack):
    """The oracle with our draws: its own places are never the last row and column, the paper's are."""

    def feed(self, draws: Draws, images: Tensor) -> FedSquareAttack:
        self.init_hyperparam(images)
        self.draws, self.query, self.places = draws, -1, list[int]()
        return self

    def random_choice(self, shape: Sequence[int]) -> Tensor:
        return self.draws.stripes if len(shape) == 4 else self.draws.squares[self.query].signs

    def random_int(self, low: int = 0, high: int = 1, shape: Sequence[int] = (1,)) -> Tensor:
        if not self.places:
            self.query += 1
            drawn = self.draws.squares[self.query]
            self.places = [drawn.row, drawn.column]
        return torch.tensor([self.places.pop(0)])


@pytest.mark.parametrize(("queries", "rescaled"), [(1500, False), (300, True), (1, True)])
def test_iterates_are_the_oracles_with_the_same_draws(
    network: nn.Module, correct: tuple[Tensor, Tensor], queries: int, rescaled: bool
) -> None:
    images, labels = correct
    draws = draw_squares(images, queries, torch.Generator().manual_seed(5), rescaled=rescaled)
    oracle = FedSquareAttack(network, n_queries=queries, eps=EPSILON, resc_schedule=rescaled).feed(draws, images)
    asked, adversarial = oracle.attack_single_run(images, labels)
    best = BestIterates(images)
    search(untargeted(network, labels, margin), images, EPSILON, draws, best)
    torch.testing.assert_close(best.images, adversarial, rtol=0, atol=1e-5)
    fooled = network(adversarial).argmax(1) != labels
    assert torch.equal(best.fooled, fooled)
    assert 0 < fooled.sum() < len(images), "the epsilon decides nothing"
    if queries > 1:
        assert best.evaluations < 0.6 * asked.sum(), "what changes nothing was asked again"


@pytest.mark.parametrize("queries", [300, 5000, 10_000])
@pytest.mark.parametrize("rescaled", [True, False])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (28, 28), (32, 32), (8, 20)])
def test_sides_are_the_oracles(queries: int, rescaled: bool, height: int, width: int) -> None:
    oracle = SquareAttack(None, n_queries=queries, eps=0.1, resc_schedule=rescaled)
    wanted = [
        min(max(round((oracle.p_selection(query) * height * width) ** 0.5), 1), height, width)
        for query in range(queries)
    ]
    draws = draw_squares(torch.zeros(1, 1, height, width), queries, torch.Generator(), rescaled=rescaled)
    assert [drawn.side for drawn in draws.squares] == wanted


def test_places_reach_every_pixel_uniformly() -> None:
    draws = draw_squares(torch.zeros(1, 3, 6, 9), 20_000, torch.Generator().manual_seed(0))
    small = [drawn for drawn in draws.squares if drawn.side == 1]
    counts = torch.zeros(6, 9)
    for drawn in small:
        counts[drawn.row, drawn.column] += 1
    expected = len(small) / 54
    assert (counts - expected).abs().max() < 5 * expected**0.5, "five standard deviations"
    signs = torch.stack([drawn.signs.flatten() for drawn in draws.squares])
    assert signs.abs().eq(1).all()
    assert signs.mean(0).abs().max() < 0.05


def test_repeats_name_the_last_query_that_was_the_same() -> None:
    draws = draw_squares(torch.zeros(1, 2, 3, 3), 500, torch.Generator().manual_seed(0))
    keys = [(one.row, one.column, one.side, tuple(one.signs.flatten().tolist())) for one in draws.squares]
    for query, drawn in enumerate(draws.squares):
        earlier = [before for before in range(query) if keys[before] == keys[query]]
        assert drawn.repeats == (earlier[-1] if earlier else -2)


@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize("epsilon", [0.0, EPSILON, 1.0])
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_images_are_allowed_and_fool_where_said(classes: int, epsilon: float, count: int) -> None:
    torch.set_default_dtype(torch.float32)
    network, (images, labels) = robust_network(classes), digits_images(classes)
    images, labels = images[:count], labels[:count]
    found = square(
        untargeted(network, labels, margin), images, epsilon, queries=60, generator=torch.Generator().manual_seed(1)
    )
    assert torch.equal(network(found.images).argmax(1) != labels, found.fooled)
    assert (found.images - images).abs().max() <= epsilon + 1e-6
    assert 0 <= found.images.min() <= found.images.max() <= 1
    if epsilon == 0:
        assert found.evaluations == count, "without room there is nothing to ask"


def test_samples_that_are_fooled_cost_one_query(network: nn.Module, correct: tuple[Tensor, Tensor]) -> None:
    images, labels = correct
    wrong = (labels + 1) % 10
    found = square(untargeted(network, wrong, margin), images, 0.0, queries=50, generator=torch.Generator())
    assert found.fooled.all()
    assert found.evaluations == len(images)


def test_a_samples_result_hangs_on_its_place_alone(network: nn.Module, correct: tuple[Tensor, Tensor]) -> None:
    images, labels = correct
    other = labels.clone()
    other[:40] = (other[:40] + 1) % 10  # fooled at once
    found = [
        square(
            untargeted(network, given, margin),
            images,
            EPSILON,
            queries=200,
            restarts=2,
            generator=torch.Generator().manual_seed(4),
        )
        for given in (labels, other)
    ]
    assert torch.equal(found[0].fooled[40:], found[1].fooled[40:])
    torch.testing.assert_close(found[0].images[40:], found[1].images[40:], rtol=0, atol=1e-12)


def test_a_further_restart_finds_more_and_loses_nothing(network: nn.Module, correct: tuple[Tensor, Tensor]) -> None:
    images, labels = correct

    def fooled(restarts: int) -> Tensor:
        objective, generator = untargeted(network, labels, margin), torch.Generator().manual_seed(0)
        return square(objective, images, EPSILON, queries=4, restarts=restarts, generator=generator).fooled

    assert (fooled(4) | ~fooled(1)).all()
    assert fooled(4).sum() > fooled(1).sum()


def test_the_first_side_is_most_of_the_image() -> None:
    assert [side_at(query, 28, 28) for query in (0, 10, 11, 51, 5000, 9999)] == [25, 25, 18, 13, 2, 1]
