"""What the driver tells a slot, and what a slot tells the driver; both travel as JSON through Tune."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from saddle.redaction import redact
from saddle.trial.json_text import to_json
from saddle.trial.run_id import RunId


@dataclass(frozen=True)
class Order:
    """One trial as a slot needs it."""

    run: RunId
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
    workers: int = 1
    cpus_per_worker: float = 1.0
    gpus_per_worker: float = 0.0
    machine: str | None = None
    """The kind of machine it must run on; None for any."""
    time_limit: float | None = None
    """Seconds of training after which the trial is timed out."""
    token: int | None = None
    """The driver's fencing token; None where nobody fences it."""

    @property
    def threads(self) -> int:
        """Torch threads of a worker, its share of the CPUs."""
        return max(1, int(self.cpus_per_worker))

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> Order:
        raw = json.loads(text)
        lists = {name: tuple(raw[name]) for name in ("select", "required")}
        return cls(**{**raw, **lists, "run": RunId(**raw["run"])})


@dataclass(frozen=True)
class ReadyMessage:
    """A rank of a worker group has read the state of this epoch, 0 for none, and can go on from it."""

    key: str
    attempt: int
    epoch: int


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

    def __post_init__(self) -> None:
        """Let no secret out of the worker: Ray and Tune keep messages in files and show them."""
        object.__setattr__(self, "why", redact(self.why))


@dataclass(frozen=True)
class FaultMessage:
    """The machine, its disk or network failed under a trial, which stays unfinished; `why` is for a person."""

    key: str
    attempt: int
    why: str


Message = EpochMessage | EndMessage | FaultMessage

KINDS: dict[str, type[ReadyMessage | EpochMessage | EndMessage | FaultMessage]] = {
    "ready": ReadyMessage,
    "epoch": EpochMessage,
    "end": EndMessage,
    "fault": FaultMessage,
}


def dump_message(message: Message | ReadyMessage) -> str:
    """The message as JSON; numbers that aren't finite become null."""
    kind = next(name for name, cls in KINDS.items() if isinstance(message, cls))
    return to_json({"kind": kind, **asdict(message)})


def parse_message(text: str) -> Message:
    """The message that `dump_message` wrote."""
    raw = json.loads(text)
    message = KINDS[raw.pop("kind")](**raw)
    assert not isinstance(message, ReadyMessage)  # the ranks' own affair, a slot never gets one
    return message


def finite(metrics: Mapping[str, float | None]) -> dict[str, float]:
    """The metrics that are numbers."""
    return {name: value for name, value in metrics.items() if value is not None}
