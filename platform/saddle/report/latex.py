"""The table of a study's answer in LaTeX, with the numbers that its report prints; for papers with booktabs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from saddle.report.blocks import Table
from saddle.report.markdown import numeric_columns

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$", ">": "$>$", "|": "$|$", '"': "''",
    "−": "$-$", "±": r"$\pm$", "×": r"$\times$", "–": "--", "≤": r"$\leq$", "≥": r"$\geq$", "≈": r"$\approx$",
    "∞": r"$\infty$", "→": r"$\to$", "·": r"$\cdot$", "’": "'", "…": r"\dots{}", "\u00a0": "~",
    "α": r"$\alpha$", "β": r"$\beta$", "δ": r"$\delta$", "ε": r"$\varepsilon$", "η": r"$\eta$", "λ": r"$\lambda$",
    "ρ": r"$\rho$", "σ": r"$\sigma$", "τ": r"$\tau$", "₀": "$_0$", "₁": "$_1$", "₂": "$_2$",
}  # fmt: skip
"""Characters that LaTeX does not print literally, or only with the right font."""


def latex_text(text: str) -> str:
    """A text as LaTeX prints it; line ends are blanks."""
    return "".join(SPECIAL.get(sign, sign) for sign in " ".join(text.split("\n")))


def latex_table(table: Table, name: str) -> str:
    """A `tabular` of booktabs, columns of numbers to the right; `name` and the table's note are comments."""
    return "\n".join(_lines(table, name)) + "\n"


def _lines(table: Table, name: str) -> Iterator[str]:
    yield f"% {comment(name)}; needs \\usepackage{{booktabs}}"
    if table.note:
        yield f"% {comment(table.note)}"
    sides = "".join("r" if numeric else "l" for numeric in numeric_columns(table))
    yield f"\\begin{{tabular}}{{{sides}}}"
    yield "\\toprule"
    yield _row(table.columns)
    yield "\\midrule"
    yield from map(_row, table.rows)
    yield "\\bottomrule"
    yield "\\end{tabular}"


def _row(cells: Sequence[str]) -> str:
    # a row that begins with [ or * would be read as an option of the line end before it
    first, *others = map(latex_text, cells)
    return " & ".join([f"{{}}{first}" if first[:1] in ("[", "*") else first, *others]) + r" \\"


def comment(text: str) -> str:
    """A text that can't end the comment around it."""
    return " ".join(text.split())
