"""Data frames as Arrow tables."""

from __future__ import annotations

from typing import Any

NAMES = ("trials", "arms", "effects", "curves", "predictions")


def to_arrow(frame: Any) -> Any:
    """The frame as a `pyarrow.Table`; a column of values of several kinds (a number here, a word there) as text."""
    import pyarrow as pa

    return pa.table({name: column(frame[name]) for name in frame.columns})


def column(series: Any) -> Any:
    """A column of a frame as Arrow has it."""
    import pandas as pd
    import pyarrow as pa

    if isinstance(series.dtype, pd.DatetimeTZDtype):  # pyarrow's own way would drop the time zone, and warn
        return pa.array(series.dt.tz_convert(None).to_numpy()).cast(pa.timestamp("ns", "UTC"))
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        cells = zip(series, series.notna(), strict=True)
        return pa.array([str(value) if known else None for value, known in cells], pa.string())
