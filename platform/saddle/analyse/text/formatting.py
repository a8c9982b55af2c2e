"""Numbers and metric names as a reader expects them: per cent and points, few digits, a real minus sign."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from saddle.study.grey_levels import grey_levels, with_grey_levels
from saddle.study.values import readable
from trainables.contract import Metric

MINUS, DASH = "−", "–"


def label(metric: str) -> str:
    """`test/some_measure.of_this` as `test some measure (of this)`."""
    split, _, path = metric.rpartition("/")
    name, *details = path.replace("_", " ").split(".")
    detail = f" ({', '.join(details)})" if details else ""
    return f"{split} {name}{detail}".strip()


def signed(text: str) -> str:
    """ASCII minus signs turned into real ones (exponents included)."""
    return text.replace("-", MINUS)


@dataclass(frozen=True)
class Scale:
    """How the values of one metric are written."""

    factor: float
    suffix: str
    difference_suffix: str
    decimals: int

    @classmethod
    def of(cls, metric: Metric, spread: Iterable[float | None] = ()) -> Scale:
        """A scale whose digits fit the sizes given: interval half-widths, or standard deviations."""
        fraction, unit = metric.is_fraction, f" {metric.unit}" if metric.unit else ""
        factor = 100.0 if fraction else 1.0
        sizes = [abs(size) * factor for size in spread if size is not None and math.isfinite(size) and size != 0]
        least = 1 if fraction else 0
        decimals = 1 if fraction else 3
        if sizes:
            decimals = min(max(1 - math.floor(math.log10(min(sizes))), least), 6)
        return cls(factor, " %" if fraction else unit, " points" if fraction else unit, decimals)

    @property
    def unit(self) -> str:
        """` (%)`, for headings and labels of bare numbers."""
        return f" ({self.suffix.strip()})" if self.suffix else ""

    @property
    def difference_unit(self) -> str:
        """` (points)`."""
        return f" ({self.difference_suffix.strip()})" if self.difference_suffix else ""

    def value(self, number: float | None) -> str:
        """`83.2 %`, or a dash for what is not known."""
        if number is None or not math.isfinite(number):
            return DASH
        return f"{self.bare(number)}{self.suffix}"

    def bare(self, number: float) -> str:
        """The number alone, for tables whose head names the unit."""
        return signed(f"{number * self.factor:.{self.decimals}f}")

    def difference(self, number: float | None) -> str:
        """`+0.8 points`."""
        return DASH if number is None else f"{self.change(number)}{self.difference_suffix}"

    def change(self, number: float) -> str:
        """`+0.8`, with its sign even if it rounds to zero."""
        return signed(f"{number * self.factor:+.{self.decimals}f}")

    def amount(self, number: float) -> str:
        """The size of a difference or of a spread, without its sign."""
        return self.change(number).lstrip(f"+{MINUS}")

    def margin(self, size: float) -> str:
        """`±0.5 points`."""
        return f"±{self.amount(size)}{self.difference_suffix}"

    def tick(self, number: float) -> str:
        """A difference on an axis, in as many digits as it takes."""
        return signed(f"{number * self.factor:+.4g}")

    def interval(self, low: float | None, high: float | None) -> str:
        """`−1.2 to +2.8`."""
        return DASH if low is None or high is None else f"{self.change(low)} to {self.change(high)}"


@dataclass(frozen=True)
class RatioScale(Scale):
    """Differences of logarithms, written as relative changes in per cent: −0.223 is `−20 %`."""

    change_decimals: int = 1

    def change(self, number: float) -> str:
        return signed(f"{100 * math.expm1(number):+.{self.change_decimals}f}")

    def margin(self, size: float) -> str:
        return f"{self.interval(-size, size)} %"

    def tick(self, number: float) -> str:
        return signed(f"{100 * math.expm1(number):+.3g}")


@dataclass(frozen=True)
class LogitScale(Scale):
    """Differences of log-odds, written unchanged."""

    change_decimals: int = 2

    def change(self, number: float) -> str:
        return signed(f"{number:+.{self.change_decimals}f}")

    def tick(self, number: float) -> str:
        return signed(f"{number:+.4g}")


def scale_of_differences(metric: Metric, scale: str, halves: Sequence[float], level: float = 0.0) -> Scale:
    """How differences on `scale` (`linear`, `log`, `logit`) are written whose intervals have these half-widths.

    `level` is a typical value of the metric, for the digits of its values.
    """
    if scale == "linear":
        return Scale.of(metric, halves)
    slope = level if scale == "log" else level * (1 - level)
    values = Scale.of(metric, [half * slope for half in halves])
    kind, suffix, factor = (RatioScale, " %", 100.0) if scale == "log" else (LogitScale, " logits", 1.0)
    sizes = [half * factor for half in halves if half > 0 and math.isfinite(half)]
    decimals = min(max(1 - math.floor(math.log10(min(sizes))), 0), 6) if sizes else 1
    return kind(values.factor, values.suffix, suffix, values.decimals, decimals)


def percent(share: float) -> str:
    """`42 %`, or `4.2 %` of a small one."""
    return f"{100 * share:.0f} %" if share in (0.0, 1.0) or share >= 0.1 else f"{100 * share:.1f} %"


def p_value(p: float | None) -> str:
    """`0.41`, `0.0312`, `< 0.001`; never rounded up to a level it does not reach."""
    if p is None:
        return DASH
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3g}" if p < 0.1 else f"{p:.2g}"


def p_equals(p: float | None) -> str:
    """`= 0.41` or `< 0.001`, to follow a "p"."""
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"


def setting(value: Any) -> str:
    """A parameter's value in at most four significant digits, or as grey levels (`8/255`)."""
    if isinstance(value, float):
        return grey_levels(value) or signed(f"{value:.4g}")
    return with_grey_levels(readable(value))


def settings(values: Iterable[tuple[str, Any]]) -> str:
    """`lr = 0.012, perturbation = mp`."""
    return ", ".join(f"{name} = {setting(value)}" for name, value in values)


def listed(items: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = [*items] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def plural(count: int, noun: str) -> str:
    """`1 seed`, `3 seeds`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """`48 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
