"""Training methods by name, found through the entry-point group `saddle.trainables`."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel

from saddle.errors import UserError
from saddle.study.nearest import nearest
from trainables.contract import METRIC_NAME

GROUP = "saddle.trainables"
WANTED = ("Config", "METRICS", "SELECTION", "train", "load", "evaluate")


class TrainableError(UserError):
    """A trainable doesn't exist, or can't be used; `right` and `nearest` say what would work."""

    def __init__(self, what: str, right: str = "", nearest: str | None = None) -> None:
        hint = f"did you mean {nearest}?" if nearest else ""
        super().__init__("; ".join(part for part in (what, right, hint) if part))
        self.what = what
        self.right = right
        self.nearest = nearest


def find_trainables() -> dict[str, EntryPoint]:
    """The entry points of all installed trainables, by name; none of them is imported."""
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


def load_trainable(name: str) -> Any:
    """The trainable called `name`; raises `TrainableError` where there is none, or where its import fails."""
    points = find_trainables()
    if name not in points:
        known = ", ".join(points) or "none"
        raise TrainableError(f"unknown trainable {name!r}", f"installed are: {known}", nearest(name, points))
    try:
        trainable = points[name].load()
    except Exception as error:  # a third party's package may raise anything while it is imported
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise TrainableError(f"trainable {name} can't be imported from {points[name].value}: {reason}") from error
    require_trainable(name, trainable)
    return trainable


def require_trainable(name: str, trainable: Any) -> None:
    """Raise `TrainableError` where `trainable` lacks a part of the contract."""
    lacking = [part for part in WANTED if not hasattr(trainable, part)]
    if lacking:
        raise TrainableError(f"trainable {name} lacks {', '.join(lacking)}", "see trainables/contract.py")
    if not (isinstance(trainable.Config, type) and issubclass(trainable.Config, BaseModel)):
        raise TrainableError(f"trainable {name}: Config is no pydantic model", "see trainables/contract.py")
    odd = [metric for metric in trainable.METRICS if not METRIC_NAME.fullmatch(metric)]
    if odd:
        raise TrainableError(f"trainable {name}: {odd[0]!r} is no metric name", "write split/metric")
