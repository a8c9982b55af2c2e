"""A figure is drawn only when it is asked for, for a page or as a figure of its own, in one theme."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from saddle.errors import NothingToDraw
from saddle.report.drawing.canvas import INK, draw, nothing
from saddle.report.figure_registry import figures_of


def test_a_figure_is_painted_when_it_is_asked_for_and_once_for_the_page() -> None:
    painted: list[Figure] = []
    plate = draw("dots", "Dots", "Some dots.", (4, 3), lambda figure: painted.append(figure))
    assert not painted
    assert plate.svg is plate.svg
    assert plate.svg.startswith("<svg")
    assert len(painted) == 1


def test_a_figure_for_a_notebook_keeps_the_theme_and_is_on_white() -> None:
    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 2])
        axes.set_title("costs $5 and $6")

    before = dict(matplotlib.rcParams)
    figure = draw("dots", "Dots", "Some dots.", (4, 3), paint).figure()
    assert dict(matplotlib.rcParams) == before
    [axes] = figure.axes
    assert list(figure.get_size_inches()) == [4, 3]
    assert axes.get_lines()[0].get_ydata().tolist() == [0, 2]
    assert not axes.spines["top"].get_visible()
    assert axes.title.get_color() == INK
    assert not axes.title.get_parse_math()
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=50)
    pixels = np.asarray(Image.open(file).convert("RGB"))
    assert pixels.shape[:2] == (150, 200)
    assert (pixels[0, 0] == 255).all()
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 3


def test_every_figure_can_be_pickled_and_drawn_again(ablation: Callable[..., Any], search: Callable[..., Any]) -> None:
    objectives = [{"maximize": "validation/robust_accuracy.worst_case"}, {"maximize": "validation/clean_accuracy"}]
    for made in (ablation(4, compare={"equivalence": 0.1}), search(30), search(30, objectives)):
        for plate in figures_of(made.results):
            figure = pickle.loads(pickle.dumps(plate.figure()))
            figure.draw_without_rendering()
            assert figure.axes


def test_where_there_is_nothing_to_draw_the_reason_is_told() -> None:
    plate = nothing("dots", "Dots", "No trial has finished yet.")
    assert plate.svg == ""
    with pytest.raises(NothingToDraw, match=r"Dots: No trial has finished yet\."):
        plate.figure()
