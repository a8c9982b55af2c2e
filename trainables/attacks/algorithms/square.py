"""The Square attack for the L∞ norm (Andriushchenko et al., 2020): random search square by square, no gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from trainables.attacks.objective import AttackResult, BestIterates, Judged, Objective, judge
from trainables.randomness import forked

FIRST_SHARE = 0.8
"""p: the share of an image's pixels that the first squares change."""
HALVED_AFTER = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
"""Queries, of 10,000, after which p is halved."""
SCHEDULE_LENGTH = 10_000
START, NEVER = -1, -2
"""Instead of a query: the stripes, and none."""


def square(
    objective: Objective,
    images: Tensor,
    epsilon: float,
    *,
    queries: int = 5000,
    restarts: int = 1,
    rescaled: bool = False,
    generator: torch.Generator | None = None,
) -> AttackResult:
    """Square attack on `images` (N, C, H, W) in [0, 1], from vertical stripes, with `queries` squares for each.

    A square replaces the perturbation in its place by ±ε, one sign per channel, and is kept if the loss rises or
    the sample is fooled, which ends its run. The squares' size follows the unchanged schedule for 10,000 queries, as
    in AutoAttack, or `rescaled` to `queries`. Squares are drawn from `generator` (a CPU one), the same for all
    samples; those that don't change a sample, or were rejected since it last changed, aren't tried again.
    """
    images = images.detach().contiguous()
    best = BestIterates(images)
    for stream in forked(generator, restarts):
        draws = draw_squares(images, queries, stream, rescaled=rescaled)
        search(objective, images, epsilon, draws, best)
    return best.result()


@dataclass(frozen=True)
class Square:
    """A place of `side` × `side` pixels and the sign of every channel there, (C, 1, 1).

    `repeats`: the last earlier query that tried the same, or NEVER.
    """

    row: int
    column: int
    side: int
    signs: Tensor
    repeats: int

    def of(self, images: Tensor) -> Tensor:
        """The square of each image, a view, (n, C, side, side)."""
        return images[:, :, self.row : self.row + self.side, self.column : self.column + self.side]


@dataclass(frozen=True, eq=False)
class Draws:
    """The signs of the stripes that each sample starts from, (N, C, 1, W), and the squares that are tried after."""

    stripes: Tensor
    squares: tuple[Square, ...]


def draw_squares(images: Tensor, queries: int, generator: torch.Generator, *, rescaled: bool = False) -> Draws:
    """The queries for `images` (N, C, H, W), regardless of how many are fooled on the way."""
    n, channels, height, width = images.shape
    stripes = _signs((n, channels, 1, width), images, generator)
    signs = _signs((queries, channels, 1, 1), images, generator)
    places = torch.rand(queries, 2, generator=generator, dtype=torch.float64).tolist()
    codes = [tuple(row) for row in signs.flatten(1).tolist()]
    last: dict[tuple[object, ...], int] = {}
    squares = []
    for query, (down, across) in enumerate(places):
        side = side_at(query * SCHEDULE_LENGTH // queries if rescaled else query, height, width)
        row, column = int(down * (height - side + 1)), int(across * (width - side + 1))
        key = (side, row, column, codes[query])
        squares.append(Square(row, column, side, signs[query], last.get(key, NEVER)))
        last[key] = query
    return Draws(stripes, tuple(squares))


def side_at(query: int, height: int, width: int) -> int:
    """The side of the square that `query` of 10,000 tries, at least a pixel."""
    share = FIRST_SHARE / 2 ** sum(query > after for after in HALVED_AFTER)
    return min(max(round(math.sqrt(share * height * width)), 1), height, width)


@dataclass(eq=False)
class _Search:
    """The state of the n remaining samples; images are (n, C, H, W), other fields (n,)."""

    which: Tensor
    lowest: Tensor
    highest: Tensor
    points: Tensor
    loss: Tensor
    changed: Tensor  # the query that last changed the sample

    def of(self, rows: Tensor) -> _Search:
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def search(objective: Objective, images: Tensor, epsilon: float, draws: Draws, best: BestIterates) -> None:
    """One run on the samples left in `best`, recorded there."""
    state = _begin(objective, images, epsilon, draws.stripes, best)
    for query, square in enumerate(draws.squares):
        if not len(state.which):
            return
        state = _try(objective, state, query, square, best)
    best.update(state.which, state.points, Judged(state.loss, torch.zeros_like(state.which, dtype=torch.bool)))


def _begin(objective: Objective, images: Tensor, epsilon: float, stripes: Tensor, best: BestIterates) -> _Search:
    which = best.left()
    lowest, highest = (images[which] - epsilon).clamp_(0, 1), (images[which] + epsilon).clamp_(0, 1)
    points = torch.where(stripes[which] > 0, highest, lowest)
    judged = judge(objective, points, which)
    best.evaluations += len(which)
    state = _Search(which, lowest, highest, points, judged.loss, torch.full_like(which, START))
    return _without_fooled(state, judged.fooled, best)


def _try(objective: Objective, state: _Search, query: int, square: Square, best: BestIterates) -> _Search:
    """Try `square` on the samples that it changes and for which it wasn't rejected in their current state."""
    filled = torch.where(square.signs > 0, square.of(state.highest), square.of(state.lowest))
    news = (filled != square.of(state.points)).flatten(1).any(1) & (state.changed > square.repeats)
    rows = news.nonzero().squeeze(1)
    if not len(rows):
        return state
    candidates = state.points[rows]
    square.of(candidates).copy_(filled[rows])
    judged = judge(objective, candidates, state.which[rows])
    best.evaluations += len(rows)
    better = judged.fooled | (judged.loss > state.loss[rows])
    improved = rows[better]
    state.points[improved] = candidates[better]
    state.loss[improved] = judged.loss[better]
    state.changed[improved] = query
    fooled = torch.zeros_like(news)
    fooled[rows] = judged.fooled
    return _without_fooled(state, fooled, best)


def _without_fooled(state: _Search, fooled: Tensor, best: BestIterates) -> _Search:
    """The samples that continue; the others' points are recorded in `best`."""
    if not fooled.any():
        return state
    best.update(state.which[fooled], state.points[fooled], Judged(state.loss, fooled).of(fooled))
    return state.of((~fooled).nonzero().squeeze(1))


def _signs(shape: tuple[int, ...], like: Tensor, generator: torch.Generator) -> Tensor:
    """-1 or 1, each with probability one half."""
    drawn = torch.rand(shape, generator=generator) < 0.5
    return torch.where(drawn, -1, 1).to(like.dtype).to(like.device)
