"""What all figures share: the theme, and the way from matplotlib to SVG that can stand inline beside others."""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from saddle.analyse.wording import Scale, label, signed

INK, MUTED, GRID, ACCENT = "#1f2328", "#68707b", "#dfe3e8", "#0072b2"
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f6fd0", "#8c6d46")
"""Okabe and Ito's colours, readable by the colour-blind and on white and dark pages alike."""
VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", ACCENT: "accent"}
"""Colours that follow the page's light or dark style."""
STYLES = ("-", "--", "-.", ":")

THEME: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text: searchable, selectable, small
    "text.parse_math": False,  # a "$" in a name is a dollar, not a formula
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "legend.frameon": False,
}
FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class Plate:
    """A figure ready for the page; without `svg`, `reason` says why there is nothing to draw."""

    id: str
    title: str
    caption: str
    svg: str = ""
    reason: str = ""


def draw(name: str, title: str, caption: str, size: tuple[float, float], paint: Callable[[Figure], None]) -> Plate:
    """The figure that `paint` puts on an empty canvas of `size` inches, as `figure-<name>`."""
    theme: Any = {**THEME, "svg.hashsalt": name}
    with matplotlib.rc_context(theme), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a glyph that the layout font lacks is there in the browser's
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        paint(figure)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Type": None, "Format": None})
    return Plate(f"figure-{name}", title, caption, inline(buffer.getvalue(), f"figure-{name}", f"{title}. {caption}"))


def nothing(name: str, title: str, reason: str) -> Plate:
    """The place of a figure that can't be drawn yet."""
    return Plate(f"figure-{name}", title, "", reason=reason)


def inline(svg: str, prefix: str, description: str) -> str:
    """SVG without prolog and metadata, its ids made unique, its colours the page's, with a label for screen readers."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="', f'id="{prefix}-', body)
    body = re.sub(r'(xlink:href|href)="#', rf'\1="#{prefix}-', body)
    body = body.replace("url(#", f"url(#{prefix}-").replace("'DejaVu Sans'", FONT.replace('"', "'"))
    for colour, variable in VARIABLES.items():
        body = re.sub(rf"\b(fill|stroke): {colour}", rf"\1: var(--{variable}, {colour})", body)
    width = re.search(r'viewBox="0 0 ([\d.]+)', body)
    head = re.sub(r'\s(width|height)="[\d.]+pt"', "", body[: body.index(">")])
    # Inches become the same size on any screen: a point is 4/3 CSS pixels.
    limit = f"max-width:{float(width[1]) * 4 / 3:.0f}px" if width else ""
    return f'{head} role="img" aria-label="{html.escape(description)}" style="{limit}"{body[body.index(">") :]}'


def clean(text: object, length: int = 38) -> str:
    """A name short enough for an axis, in one line, without characters that XML forbids."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def style_of(index: int) -> tuple[str, str]:
    """A colour and a line style for the n-th series; styles change once all colours are used."""
    return PALETTE[index % len(PALETTE)], STYLES[index // len(PALETTE) % len(STYLES)]


def percent_axis(axes: Axes, metric: str, which: str = "y", *, title: str | None = None, above: bool = False) -> None:
    """Label an axis with its metric (or `title`), in per cent where it is a share; values are plotted as they are.

    `above` puts the name over the panel: along a low y axis a long one has no room. An empty title leaves it out.
    """
    scale = Scale.of(metric)
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: signed(f"{value * scale.factor:.6g}")))
    unit = " (%)" if scale.suffix else ""
    text = clean(label(metric) if title is None else title, 60)
    if above:
        axes.set_title(text + unit, loc="left")
    elif text:
        axis.set_label_text(text + unit)


def epoch_axis(axes: Axes) -> None:
    """Whole epochs along x."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch")


def log_axis(axes: Axes, low: float, high: float) -> None:
    """A logarithmic x axis from `low` to `high` with plain numbers."""
    axes.set_xscale("log")
    axes.set_xlim(low / 1.15, high * 1.15)
    decades = high / low >= 30
    axes.xaxis.set_major_locator(LogLocator(base=10, numticks=6) if decades else MaxNLocator(4))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: signed(f"{value:g}")))


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
