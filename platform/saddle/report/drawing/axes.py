"""How axes, ticks and legends look, and what names and values they show."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, Formatter, Locator, LogLocator, MaxNLocator, NullLocator

from saddle.analyse.text.formatting import Scale, label, signed
from saddle.report.drawing.canvas import PALETTE, is_narrow
from trainables.contract import Metric

NARROW_ROW, NARROW_SIGNS = 0.52, 44
"""Inches of a row on a phone with its name above it, and the signs that its line has room for."""
STYLES = ("-", "--", "-.", ":")


class Numbers(Formatter):
    """Ticks with a real minus sign; unlike with a function's ticks, a figure with them can be pickled."""

    def __init__(self, factor: float = 1.0, form: str = ".6g") -> None:
        self.factor, self.form = factor, form

    def __call__(self, value: float, pos: int | None = None) -> str:
        return signed(f"{value * self.factor:{self.form}}") if value else "0"


class Changes(Formatter):
    """Ticks of differences, written as in the text."""

    def __init__(self, scale: Scale) -> None:
        self.scale = scale

    def __call__(self, value: float, pos: int | None = None) -> str:
        return self.scale.tick(value) if value else "0"


def clean(text: object, length: int = 38) -> str:
    """A name short enough for an axis, in one line, without characters that XML forbids."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def wrapped(text: str, figure: Figure) -> str:
    """The name of an axis in as many lines as it takes on a phone, in one elsewhere."""
    return "\n".join(textwrap.wrap(text, 44)) if is_narrow(figure) else text


def style_of(index: int) -> tuple[str, str]:
    """A colour and a line style for the n-th series; styles change once all colours are used."""
    return PALETTE[index % len(PALETTE)], STYLES[index // len(PALETTE) % len(STYLES)]


def metric_axis(axes: Axes, metric: Metric, which: str = "y", *, title: str | None = None, above: bool = False) -> None:
    """Label an axis with its metric (or `title`) and unit, on the metric's scale; values are plotted unchanged.

    `above` puts the name over the panel: along a low y axis a long one has no room. An empty title leaves it out.
    """
    scale = Scale.of(metric)
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_formatter(Numbers(scale.factor))
    if metric.scale != "linear":
        (axes.set_yscale if which == "y" else axes.set_xscale)(metric.scale)
    text = clean(label(metric.name) if title is None else title, 60)
    figure = axes.get_figure(root=True)
    name = wrapped(text + scale.unit, figure) if text and isinstance(figure, Figure) else ""
    narrow = isinstance(figure, Figure) and is_narrow(figure)
    if above or (narrow and which == "y" and text):
        axes.set_title(name, loc="left")
    elif text:
        axis.set_label_text(name)


def epoch_axis(axes: Axes) -> None:
    """Whole epochs along x."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch")


def log_axis(axes: Axes, low: float, high: float) -> None:
    """A logarithmic x axis from `low` to `high` with plain numbers."""
    axes.set_xscale("log")
    axes.set_xlim(low / 1.15, high * 1.15)
    if high / low >= 30:
        ticks: Locator = LogLocator(base=10, numticks=6)
    else:  # few numbers, evenly spread: multiples of one step would crowd at the upper end
        ticks = LogLocator(base=10, subs=(1, 2, 5), numticks=6) if high / low >= 4 else MaxNLocator(4)
    axes.xaxis.set_major_locator(ticks)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(Numbers(form="g"))


def category_axis(axes: Axes, names: Sequence[str], which: str = "x", length: int = 38) -> None:
    """One tick per name at 0, 1, 2, …"""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(range(len(names))))
    axis.set_ticklabels([clean(name, length) for name in names])


def panel_row(figure: Figure, count: int) -> list[Axes]:
    """Panels side by side, or below each other on a phone."""
    shape = (count, 1) if is_narrow(figure) else (1, count)
    return list(figure.subplots(*shape, squeeze=False).flat)


def name_rows(axes: Axes, names: Sequence[str], *, narrow: bool, remarks: Sequence[str] = ()) -> None:
    """The names of rows at 0, 1, 2, … from the top: left of the axis, `remarks` to the right, on a phone above each.

    A row has room from 0.6 above it, for names, to 0.4 below it; see `narrow_row` for its height.
    """
    two_lines = narrow_row(names, remarks) > NARROW_ROW
    category_axis(axes, [""] * len(names) if narrow else names, "y")
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    if narrow:
        axes.spines["left"].set_visible(False)  # names begin there
    for row, words in enumerate(remarks):
        place, side = ((1.0, row - 0.3), "right") if narrow else ((1.02, row), "left")
        if narrow and two_lines:
            place, side = (0.0, row - 0.22), "left"
        axes.annotate(words, place, xycoords=("axes fraction", "data"), va="center", annotation_clip=False, ha=side)
    for row, name in enumerate(names if narrow else ()):
        place = (0.0, row - (0.44 if two_lines else 0.3))
        axes.annotate(clean(name, NARROW_SIGNS), place, xycoords=("axes fraction", "data"), va="center",
                      annotation_clip=False)  # fmt: skip


def narrow_row(names: Sequence[str], remarks: Sequence[str] = ()) -> float:
    """Inches that a row takes on a phone: more if a name and its remark don't fit on one line."""
    longest = max((len(name) for name in names), default=0) + max((len(words) for words in remarks), default=0)
    return NARROW_ROW if longest <= NARROW_SIGNS else 1.4 * NARROW_ROW


def legend_below(figure: Figure, axes: Axes, count: int) -> None:
    """One legend for the whole figure, under it, so that it covers no data."""
    handles, names = axes.get_legend_handles_labels()
    if handles:
        longest = max(len(name) for name in names)
        columns = max(1, min(count, int(12.8 * figure.get_figwidth()) // (longest + 6), 6))
        figure.legend(handles, names, loc="outside lower center", ncols=columns, fontsize=9)
