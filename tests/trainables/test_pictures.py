"""Pictures that are put side by side: every pixel where it belongs, and words above."""

from __future__ import annotations

import torch

from trainables.pictures import HEAD, TILE, columns


def test_images_stand_in_rows_of_their_versions() -> None:
    left, right = torch.zeros(2, 1, TILE, TILE), torch.full((2, 1, TILE, TILE), 0.4)
    left[1] = 0.8
    picture = columns([left, right])
    assert picture.shape == (2 * (TILE + 4), 2 * (TILE + 4))
    middle, next_row, next_column = TILE // 2, TILE + 4 + TILE // 2, TILE + 4 + TILE // 2
    assert picture[middle, middle] == 0
    assert picture[next_row, middle] == 204
    assert picture[middle, next_column] == picture[next_row, next_column] == 102
    assert picture[0].tolist() == [255] * picture.shape[1]


def test_grey_beside_colour_becomes_colour_and_small_images_are_enlarged() -> None:
    colour = torch.zeros(1, 3, 8, 8)
    colour[:, 0] = 1.0
    picture = columns([colour, torch.full((1, 1, 8, 8), 0.2)])
    assert picture.shape == (7 * 8 + 4, 2 * (7 * 8 + 4), 3)
    assert picture[30, 30].tolist() == [255, 0, 0]
    assert picture[30, 90].tolist() == [51, 51, 51]


def test_heads_are_written_above_their_own_columns() -> None:
    images = torch.zeros(1, 1, TILE, TILE)
    plain, headed = columns([images, images]), columns([images, images], ("", "mask"))
    assert headed.shape == (HEAD + plain.shape[0], plain.shape[1])
    assert (headed[HEAD:] == plain).all()
    line = headed[:HEAD]
    assert (line[:, : TILE + 4] == 255).all(), "nothing above the first"
    written = (line[:, TILE + 4 :] < 128).any(0).nonzero()[0]
    assert len(written) > 10
    assert abs(written.mean() - (TILE + 4) / 2) < 4, "in the middle"
