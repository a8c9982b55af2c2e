"""How axes, ticks and legends look, and what names and values they show."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, Formatter, Locator, LogLocator, MaxNLocator, NullLocator

from saddle.analyse.text.formatting import Scale, label, signed
from saddle.report.drawing.canvas import PALETTE
from trainables.contract import Metric

STYLES = ("-", "--", "-.", ":")


class Numbers(Formatter):
    """Ticks as a reader wants them, with a real minus sign; unlike a function's, a figure with them can be pickled."""

    def __init__(self, factor: float = 1.0, form: str = ".6g") -> None:
        self.factor, self.form = factor, form

    def __call__(self, value: float, pos: int | None = None) -> str:
        return signed(f"{value * self.factor:{self.form}}") if value else "0"


class Changes(Formatter):
    """Ticks of differences, as the text beside them is written."""

    def __init__(self, scale: Scale) -> None:
        self.scale = scale

    def __call__(self, value: float, pos: int | None = None) -> str:
        return self.scale.tick(value) if value else "0"


def clean(text: object, length: int = 38) -> str:
    """A name short enough for an axis, in one line, without characters that XML forbids."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def style_of(index: int) -> tuple[str, str]:
    """A colour and a line style for the n-th series; styles change once all colours are used."""
    return PALETTE[index % len(PALETTE)], STYLES[index // len(PALETTE) % len(STYLES)]


def metric_axis(axes: Axes, metric: Metric, which: str = "y", *, title: str | None = None, above: bool = False) -> None:
    """Label an axis with its metric (or `title`) and unit, on the metric's scale; values are plotted as they are.

    `above` puts the name over the panel: along a low y axis a long one has no room. An empty title leaves it out.
    """
    scale = Scale.of(metric)
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_formatter(Numbers(scale.factor))
    if metric.scale != "linear":
        (axes.set_yscale if which == "y" else axes.set_xscale)(metric.scale)
    text = clean(label(metric.name) if title is None else title, 60)
    if above:
        axes.set_title(text + scale.unit, loc="left")
    elif text:
        axis.set_label_text(text + scale.unit)


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


def legend_below(figure: Figure, axes: Axes, count: int) -> None:
    """One legend for the whole figure, under it, so that it covers no data."""
    handles, names = axes.get_legend_handles_labels()
    if handles:
        longest = max(len(name) for name in names)
        columns = max(1, min(count, 110 // (longest + 6), 6))
        figure.legend(handles, names, loc="outside lower center", ncols=columns, fontsize=9)
