"""Checkpoints of one trial: written before their epoch counts, checked when read, thinned to what is needed."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from saddle.store.base import Damaged, ForeignPath, Store
from saddle.store.manifest import (
    GivenUp,
    Manifest,
    Saved,
    checksum,
    encode_manifest,
    manifest_path,
    read_manifest,
    recover_manifest,
    shallow,
)
from saddle.store.opening import trial_folder
from saddle.store.recovery import add_record
from saddle.trial.run_id import RunId

log = logging.getLogger(__name__)


class Superseded(Exception):
    """A later attempt has taken the trial up; this one is an orphan and may write no more."""


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
            manifest = read_manifest(store, folder)
        except Damaged as error:
            manifest = recover_manifest(store, folder)
            since = f"taken from {manifest.last.path}" if manifest.last else "lost, so the trial starts again"
            log.warning("%s; what it said is %s", error, since)
        return cls(store, folder, manifest)

    @classmethod
    def of_trial(cls, store: Store, run: RunId, key: str) -> Checkpoints:
        """The checkpoints of one trial."""
        return cls.open(store, f"{trial_folder(run, key)}/checkpoints")

    def give_up(self, outcome: str, why: str) -> None:
        """Note that the trial is not to be taken up again; its next attempt only says so."""
        self.update(given_up=GivenUp(outcome, why))

    def update(self, **changes: Any) -> None:
        """Change fields of the manifest and write it; raises `Superseded` where a later attempt has written its own."""
        try:
            latest = read_manifest(self.store, self.folder).attempts
        except Damaged:  # mended by what is written now
            latest = 0
        if latest > self.manifest.attempts:
            raise Superseded(f"{self.folder}: attempt {self.manifest.attempts} was taken for dead")
        self.manifest = replace(self.manifest, **changes)
        self.store.write(manifest_path(self.folder), encode_manifest(self.manifest))

    def save(
        self, epoch: int, state: Mapping[str, Any], metrics: Mapping[str, float], seconds: float, best: bool
    ) -> None:
        """Store the state after `epoch`, then let the manifest say so, then drop what nobody needs any more.

        The best, the last and the one before it stay.
        """
        path = f"{self.folder}/epoch-{epoch:05d}.pt"
        saved = [s for s in self.manifest.saved if s.epoch < epoch]
        best_epoch = epoch if best else self.manifest.best_epoch
        kept = [s for s in saved if s.epoch == best_epoch or s is saved[-1]]
        after = replace(
            self.manifest,
            saved=tuple(kept),
            best_epoch=best_epoch,
            curve=(*self.manifest.curve[: epoch - 1], dict(metrics)),
            times=(*self.manifest.times[: epoch - 1], time.time()),
            seconds=seconds,
        )
        content = encode_state(state, encode_manifest(after))
        self.store.write(path, content)
        self.update(**{**shallow(after), "saved": (*kept, Saved(epoch, path, checksum(content)))})
        for dropped in saved:
            if dropped not in kept:
                self.store.delete(dropped.path)

    def resume(self) -> tuple[int, dict[str, Any] | None]:
        """The newest epoch whose state is whole, with that state; `(0, None)` where there is none."""
        for saved in reversed(self.manifest.saved):
            try:
                return saved.epoch, load_state(self.store, saved)
            # not where the store can't be reached, which says nothing of its blobs
            except (Damaged, ForeignPath, FileNotFoundError) as error:
                log.warning("%s; going on from the checkpoint before", error)
        return 0, None


def encode_state(state: Mapping[str, Any], record: bytes | None = None) -> bytes:
    """A state as the bytes of a `.pt` file, with a record of what else is known (see `recovery`)."""
    import torch

    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    if record is not None:
        add_record(buffer, record)
    return buffer.getvalue()


def decode_state(content: bytes) -> dict[str, Any]:
    """A state from the bytes of a `.pt` file; nothing in it can run code."""
    import torch

    state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return state


def load_state(store: Store, saved: Saved) -> dict[str, Any]:
    """The stored state; raises `Damaged` where its checksum doesn't match."""
    content = store.read(saved.path)
    found = checksum(content)
    if found != saved.sha256:
        raise Damaged(
            f"the checkpoint {saved.path} is damaged: expected sha256 {saved.sha256[:12]}…, found {found[:12]}…"
        )
    return decode_state(content)
