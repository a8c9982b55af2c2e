"""What the driver tells a slot, and what a slot tells the driver; both travel as JSON through Tune."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from saddle.store.ledger import to_json


@dataclass(frozen=True)
class Order:
    """One trial as a slot needs it."""

    study: str
    key: str
    trainable: str
    params: Mapping[str, Any]
    """The complete configuration."""
    seed: int
    select: tuple[str, str]
    """The validation metric that chooses the best checkpoint, and `maximize` or `minimize`."""
    required: tuple[str, ...]
    """Metrics that every epoch must report as finite numbers (the objectives)."""
    storage: str
    data_root: str | None = None
    threads: int = 1
    """Torch threads of the worker, its share of the CPUs."""
    time_limit: float | None = None
    """Seconds of training after which the trial is timed out."""

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> Order:
        raw = json.loads(text)
        return cls(**{**raw, "select": tuple(raw["select"]), "required": tuple(raw["required"])})


@dataclass(frozen=True)
class EpochMessage:
    """An epoch is over, and its checkpoint stored."""

    key: str
    attempt: int
    epoch: int
    metrics: Mapping[str, float | None]
    seconds: float
    time: float


@dataclass(frozen=True)
class EndMessage:
    """A trial is over. `metrics` are the selected checkpoint's, `test_last` the last epoch's on test."""

    key: str
    attempt: int
    outcome: str
    why: str = ""
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    test_last: Mapping[str, float | None] = field(default_factory=dict)
    arrays: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    fingerprints: Mapping[str, Any] = field(default_factory=dict)


Message = EpochMessage | EndMessage

KINDS: dict[str, type[EpochMessage | EndMessage]] = {"epoch": EpochMessage, "end": EndMessage}


def dump_message(message: Message) -> str:
    """The message as JSON; numbers that aren't finite become null."""
    kind = next(name for name, cls in KINDS.items() if isinstance(message, cls))
    return to_json({"kind": kind, **asdict(message)})


def parse_message(text: str) -> Message:
    """The message that `dump_message` wrote."""
    raw = json.loads(text)
    return KINDS[raw.pop("kind")](**raw)


def finite(metrics: Mapping[str, float | None]) -> dict[str, float]:
    """The metrics that are numbers."""
    return {name: value for name, value in metrics.items() if value is not None}
