"""Checkpoints of one trial: written before their epoch counts, checked when read, thinned to what is needed."""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from saddle.store.base import StorageError, Store
from saddle.store.ledger import to_json
from saddle.store.opening import trial_folder


class Superseded(Exception):
    """A later attempt has taken the trial up; this one is an orphan and may write no more."""


@dataclass(frozen=True)
class Saved:
    """One stored state: after which epoch, where, and the checksum it must have."""

    epoch: int
    path: str
    sha256: str


@dataclass(frozen=True)
class GivenUp:
    """Why a trial that couldn't say so itself is over: no epoch would end, or its workers died too often."""

    outcome: str
    why: str


@dataclass(frozen=True)
class Manifest:
    """What is known of a trial under way: the truth a resumed trial goes on from.

    `curve` holds the metrics of every epoch so far, `times` when each was over, `seconds` the training time they took.
    """

    saved: Sequence[Saved] = ()
    best_epoch: int | None = None
    curve: Sequence[Mapping[str, float]] = ()
    times: Sequence[float] = ()
    seconds: float = 0.0
    attempts: int = 0
    started: float = 0.0
    given_up: GivenUp | None = None
    """Set where the trial is not to be taken up again."""

    @property
    def last(self) -> Saved | None:
        return self.saved[-1] if self.saved else None

    @property
    def best(self) -> Saved | None:
        return next((s for s in self.saved if s.epoch == self.best_epoch), None)


@dataclass
class Checkpoints:
    """The checkpoints in `folder` of a store."""

    store: Store
    folder: str
    manifest: Manifest = field(default_factory=Manifest)

    @classmethod
    def open(cls, store: Store, folder: str) -> Checkpoints:
        """What an earlier attempt left in `folder`, or an empty beginning."""
        try:
            raw = json.loads(store.read(f"{folder}/manifest.json"))
        except FileNotFoundError:
            return cls(store, folder)
        given_up = GivenUp(**raw["given_up"]) if raw["given_up"] is not None else None
        saved = tuple(Saved(**s) for s in raw["saved"])
        return cls(store, folder, Manifest(**{**raw, "saved": saved, "given_up": given_up}))

    @classmethod
    def of_trial(cls, store: Store, study: str, key: str) -> Checkpoints:
        """The checkpoints of one trial."""
        return cls.open(store, f"{trial_folder(study, key)}/checkpoints")

    def give_up(self, outcome: str, why: str) -> None:
        """Note that the trial is not to be taken up again; its next attempt only says so."""
        self.update(given_up=GivenUp(outcome, why))

    def update(self, **changes: Any) -> None:
        """Change fields of the manifest and write it; raises `Superseded` where a later attempt has written its own."""
        if self.open(self.store, self.folder).manifest.attempts > self.manifest.attempts:
            raise Superseded(f"{self.folder}: attempt {self.manifest.attempts} was taken for dead")
        self.manifest = replace(self.manifest, **changes)
        self.store.write(f"{self.folder}/manifest.json", to_json(asdict(self.manifest)).encode())

    def save(
        self, epoch: int, state: Mapping[str, Any], metrics: Mapping[str, float], seconds: float, best: bool
    ) -> None:
        """Store the state after `epoch`, then let the manifest say so, then drop what nobody needs any more.

        The best, the last and the one before it stay.
        """
        content = encode_state(state)
        path = f"{self.folder}/epoch-{epoch:05d}.pt"
        self.store.write(path, content)
        saved = [s for s in self.manifest.saved if s.epoch < epoch]
        best_epoch = epoch if best else self.manifest.best_epoch
        kept = [s for s in saved if s.epoch == best_epoch or s is saved[-1]]
        self.update(
            saved=(*kept, Saved(epoch, path, hashlib.sha256(content).hexdigest())),
            best_epoch=best_epoch,
            curve=(*self.manifest.curve[: epoch - 1], dict(metrics)),
            times=(*self.manifest.times[: epoch - 1], time.time()),
            seconds=seconds,
        )
        for dropped in saved:
            if dropped not in kept:
                self.store.delete(dropped.path)

    def resume(self) -> tuple[int, dict[str, Any] | None]:
        """The newest epoch whose state is whole, with that state; `(0, None)` where there is none."""
        for saved in reversed(self.manifest.saved):
            try:
                return saved.epoch, load_state(self.store, saved)
            except (StorageError, FileNotFoundError):
                continue
        return 0, None


def encode_state(state: Mapping[str, Any]) -> bytes:
    """A state as the bytes of a `.pt` file."""
    import torch

    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    return buffer.getvalue()


def decode_state(content: bytes) -> dict[str, Any]:
    """A state from the bytes of a `.pt` file; nothing in it can run code."""
    import torch

    state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return state


def load_state(store: Store, saved: Saved) -> dict[str, Any]:
    """The stored state; raises `StorageError` where its checksum doesn't match."""
    content = store.read(saved.path)
    found = hashlib.sha256(content).hexdigest()
    if found != saved.sha256:
        raise StorageError(
            f"the checkpoint {saved.path} is damaged: expected sha256 {saved.sha256[:12]}…, found {found[:12]}…"
        )
    return decode_state(content)
