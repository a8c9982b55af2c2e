"""Messages from the driver to a slot and back; both travel as JSON through Tune."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from saddle.redaction import redact
from saddle.trainable_source import TrainableSource
from saddle.trial.json_text import to_json
from saddle.trial.measurement import Measurement
from saddle.trial.placement import Placement
from saddle.trial.run_id import RunId
from saddle.trial.spec import TrialSpec


@dataclass(frozen=True)
class StartMessage:
    """A trial that a slot is to train, where, and what chooses its best checkpoint."""

    spec: TrialSpec
    placement: Placement
    trainable: TrainableSource
    select: tuple[str, str]
    """The validation metric that chooses the best checkpoint, and `maximize` or `minimize`."""
    required: tuple[str, ...]
    """Metrics that every epoch must report as finite numbers (the objectives)."""
    ahead: bool = False
    """Whether the next epoch may be trained before the driver has heard of one: nothing can stop the trial early."""

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> StartMessage:
        raw = json.loads(text)
        spec = TrialSpec(**{**raw["spec"], "run": RunId(**raw["spec"]["run"])})
        lists = {name: tuple(raw[name]) for name in ("select", "required")}
        source = TrainableSource.parse(raw["trainable"])
        return cls(**{**raw, **lists, "spec": spec, "placement": Placement(**raw["placement"]), "trainable": source})


@dataclass(frozen=True)
class ReadyMessage:
    """A rank of a worker group has read the state of this epoch, 0 for none, and can continue from it."""

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
    """A trial is over."""

    key: str
    attempt: int
    outcome: str
    why: str = ""
    measurement: Measurement = field(default_factory=Measurement)
    gpu_lost: bool = False
    """Whether its worker can use its GPU no more (see `saddle.cluster.gpu.errors`), and must restart."""

    def __post_init__(self) -> None:
        """Let no secret out of the worker: Ray and Tune keep messages in files and show them."""
        object.__setattr__(self, "why", redact(self.why))


@dataclass(frozen=True)
class FaultMessage:
    """The machine, its disk or network failed under a trial, which stays unfinished; `why` is for a person."""

    key: str
    attempt: int
    why: str


@dataclass(frozen=True)
class GpuFaultMessage:
    """A GPU that several trials share through MPS failed under all of them; one of them is to blame.

    `gpu` is the machine and its GPU; `maybe_own` says whether a kernel failed, which may have been the trial's own.
    """

    key: str
    attempt: int
    why: str
    gpu: str
    maybe_own: bool

    def __post_init__(self) -> None:
        """See `EndMessage`."""
        object.__setattr__(self, "why", redact(self.why))


LastMessage = EndMessage | FaultMessage | GpuFaultMessage
"""What a worker says last of a trial, which has then ended or is to be resumed."""

Message = EpochMessage | LastMessage

KINDS: dict[str, type[ReadyMessage | Message]] = {
    "ready": ReadyMessage,
    "epoch": EpochMessage,
    "end": EndMessage,
    "fault": FaultMessage,
    "gpu_fault": GpuFaultMessage,
}


def dump_message(message: Message | ReadyMessage) -> str:
    """The message as JSON; numbers that aren't finite become null."""
    kind = next(name for name, cls in KINDS.items() if isinstance(message, cls))
    return to_json({"kind": kind, **asdict(message)})


def parse_message(text: str) -> Message:
    """The message that `dump_message` wrote."""
    raw = json.loads(text)
    if "measurement" in raw:
        raw["measurement"] = Measurement.parse(raw["measurement"])
    message = KINDS[raw.pop("kind")](**raw)
    assert not isinstance(message, ReadyMessage)  # used between ranks only, a slot never gets one
    return message
