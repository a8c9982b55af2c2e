"""What all figures share: the theme, and the conversion to SVG that can be embedded next to others."""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import matplotlib
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from saddle.errors import NothingToDraw

INK, MUTED, GRID, ACCENT = "#1f2328", "#68707b", "#dfe3e8", "#0072b2"
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f6fd0", "#8c6d46")
"""Okabe and Ito's colours, readable by the colour-blind, and on both white and dark pages."""
VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", ACCENT: "accent"}
"""Colours that follow the page's light or dark style."""

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
HOVER = "hover-"
"""The prefix of the ids of marks with a text of their own."""
NARROW = 3.55
"""Inches that a figure has on a phone: 341 of its 400 pixels, at the size of letters that it has on a wide screen."""
RASTER_DPI = 200
"""For marks that are embedded as a picture because there are thousands of them."""
FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class LazyFigure:
    """A figure that is drawn when it is asked for; if there is nothing to draw, `reason` says why."""

    id: str
    title: str
    caption: str
    size: tuple[float, float] = (0.0, 0.0)
    """In inches."""
    paint: Callable[[Figure], None] | None = None
    reason: str = ""
    narrow_height: float = 0.0
    """In inches, of the drawing for phones; that of the wide one where 0."""

    @cached_property
    def svg(self) -> str:
        """The figure as SVG for inlining in a page; empty if there is nothing to draw."""
        return self._drawn(self.size, self.id)

    @cached_property
    def narrow_svg(self) -> str:
        """The same redrawn for a screen as narrow as a phone's, with letters of the same size."""
        return self._drawn((NARROW, self.narrow_height or self.size[1]), f"{self.id}-narrow")

    def _drawn(self, size: tuple[float, float], prefix: str) -> str:
        if self.paint is None:
            return ""
        with _themed(prefix):
            buffer = io.StringIO()
            canvas = FigureCanvasSVG(self._painted(size))
            canvas.print_figure(
                buffer,
                format="svg",
                dpi=RASTER_DPI,
                metadata={"Date": None, "Creator": None, "Type": None, "Format": None},
            )
        return inline(buffer.getvalue(), prefix, f"{self.title}. {self.caption}")

    def figure(self) -> Figure:
        """A matplotlib figure of its own, on white, for notebooks and papers; raises `NothingToDraw`."""
        if self.paint is None:
            raise NothingToDraw(f"{self.title}: {self.reason}")
        with _themed(self.id):
            figure = self._painted(self.size)
            FigureCanvasAgg(figure)
            figure.set_facecolor("white")
            figure.draw_without_rendering()  # what is laid out and coloured at the first drawing must be in the theme
        return figure

    def _painted(self, size: tuple[float, float]) -> Figure:
        figure = Figure(figsize=size, layout="constrained")
        assert self.paint is not None
        self.paint(figure)
        return figure


@contextmanager
def _themed(salt: str) -> Iterator[None]:
    theme: Any = {**THEME, "svg.hashsalt": salt}
    with matplotlib.rc_context(theme), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a glyph that the layout font lacks is there in the browser's
        yield


def draw(
    name: str,
    title: str,
    caption: str,
    size: tuple[float, float],
    paint: Callable[[Figure], None],
    narrow_height: float = 0.0,
) -> LazyFigure:
    """The figure that `paint` puts on an empty canvas of `size` inches, as `figure-<name>`.

    For phones it is painted again on one of `NARROW` inches, `narrow_height` high (see `is_narrow`).
    """
    return LazyFigure(f"figure-{name}", title, caption, size, paint, narrow_height=narrow_height)


def is_narrow(figure: Figure) -> bool:
    """Whether a figure is painted for a phone: panels go below each other, and names above what they name."""
    return bool(figure.get_figwidth() <= NARROW)


def nothing(name: str, title: str, reason: str) -> LazyFigure:
    """The place of a figure that can't be drawn yet."""
    return LazyFigure(f"figure-{name}", title, "", reason=reason)


def hover(artist: Artist, text: str) -> None:
    """Let a page show `text` while the pointer is over a mark of a figure; elsewhere this changes nothing."""
    artist.set_gid(HOVER + text.encode().hex())


def with_titles(svg: str) -> str:
    """SVG whose marks have the texts of `hover` as titles, which browsers show without scripts."""
    return re.sub(
        rf'<g id="{HOVER}([0-9a-f]+)">',
        lambda match: f"<g><title>{html.escape(bytes.fromhex(match[1]).decode())}</title>",
        svg,
    )


def inline(svg: str, prefix: str, description: str) -> str:
    """SVG without prolog and metadata, its ids made unique, its colours the page's, with a label for screen readers."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = with_titles(body)
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
