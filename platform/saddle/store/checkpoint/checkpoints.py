"""Checkpoints of one trial: written before their epoch counts, checked when read, thinned to what is needed."""

from __future__ import annotations

import logging
import pickle
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from saddle.errors import Damaged, ForeignPath, Unloadable
from saddle.store.base import Conflict, Store
from saddle.store.checkpoint.curve import (
    CHUNK,
    Curve,
    add_run,
    chunk_path_of,
    count,
    first_runs,
    read_chunk_or_blank,
    read_sealed,
    seal,
    unknown_chunks,
)
from saddle.store.checkpoint.manifest import (
    GivenUp,
    Manifest,
    Saved,
    checkpoint_path,
    encode_manifest,
    fetch_manifest,
    manifest_path,
    place_of,
    recover_manifest,
    shallow,
)
from saddle.store.checkpoint.plain_state import StateChecker
from saddle.store.checkpoint.state_bytes import decode_state, encode_state
from saddle.store.digest import checksum
from saddle.store.open import trial_folder
from saddle.trial.measurement import finite
from saddle.trial.progress import TrialProgress
from saddle.trial.run_id import RunId
from saddle.trial.spec import TrialSpec

__all__ = ["Checkpoints", "Superseded", "Unloadable", "decode_state", "encode_state", "load_state"]

log = logging.getLogger(__name__)


class Superseded(Exception):
    """A later attempt, or a later driver's, has taken the trial up; this one is an orphan and may write no more."""


@dataclass(frozen=True)
class PreparedSave:
    """An epoch's checkpoint before it is written, what the manifest says after it, and what is dropped then."""

    epoch: int
    content: bytes
    manifest: Manifest
    dropped: Sequence[Saved]


@dataclass
class Checkpoints:
    """The checkpoints in `folder` of a store; writes of the manifest are conditional on its ETag."""

    store: Store
    folder: str
    manifest: Manifest = field(default_factory=Manifest)
    etag: str | None = None
    """Of the manifest as it was last seen; None if there was none."""
    token: int | None = None
    """The fencing token of the driver that we write for; None for readers, and for a driver without a fence."""
    writer: str = ""
    """Ours, once we are an attempt (`claim`)."""
    states: StateChecker = field(default_factory=StateChecker)

    @classmethod
    def open(cls, store: Store, folder: str, token: int | None = None) -> Checkpoints:
        """What an earlier attempt left in `folder`, or an empty beginning."""
        try:
            manifest, etag = fetch_manifest(store, folder)
        except Damaged as error:
            etag = store.etag(manifest_path(folder))
            manifest = recover_manifest(store, folder)
            since = f"taken from {manifest.last.path}" if manifest.last else "lost, so the trial starts again"
            log.warning("%s; what it said is %s", error, since)
        return cls(store, folder, manifest, etag, token)

    @classmethod
    def of_trial(cls, store: Store, run: RunId, key: str, token: int | None = None) -> Checkpoints:
        """The checkpoints of one trial."""
        return cls.open(store, f"{trial_folder(run, key)}/checkpoints", token)

    def claim(self, started: float) -> int:
        """Become the trial's next attempt, which `started` now unless an earlier one had; returns its number.

        Raises `Superseded` if the trial is a later driver's.
        """
        self.writer = uuid.uuid4().hex[:12]
        while True:
            self._refuse_orphan(self.manifest)
            manifest = replace(
                self.manifest,
                attempts=self.manifest.attempts + 1,
                started=self.manifest.started or started,
                writer=self.writer,
                token=self.manifest.token if self.token is None else self.token,
            )
            try:
                self._write(manifest)
                return manifest.attempts
            except Conflict:  # the attempt before is not dead yet, or another one claims the trial too
                self.manifest, self.etag = self._latest()

    def fence_off(self) -> None:
        """Let no worker of an earlier driver write any more; nothing happens if none has ever written."""
        if self.etag is not None and self.token is not None and self.manifest.token < self.token:
            self.update(token=self.token)

    def give_up(self, outcome: str, why: str) -> None:
        """Note that the trial is not to be resumed; its next attempt only says so."""
        self.update(given_up=GivenUp(outcome, why))

    def update(self, **changes: Any) -> None:
        """Change fields of the manifest and write it.

        Raises `Superseded` if a later attempt has written its own, or the trial is a later driver's.
        """
        while True:
            self._refuse_orphan(self.manifest)
            try:
                self._write(replace(self.manifest, **changes))
                return
            except Conflict:
                self._catch_up()

    def _write(self, manifest: Manifest) -> None:
        self.etag = self.store.write_if(manifest_path(self.folder), encode_manifest(manifest), self.etag)
        self.manifest = manifest

    def _latest(self) -> tuple[Manifest, str | None]:
        """The current manifest; ours, where that is damaged and the next write will replace it."""
        try:
            return fetch_manifest(self.store, self.folder)
        except Damaged:
            return self.manifest, self.store.etag(manifest_path(self.folder))

    def _catch_up(self) -> None:
        """See what somebody else has written; raises `Superseded` if that is another attempt."""
        latest, self.etag = self._latest()
        self._refuse_orphan(latest)
        if self.writer and self.etag is None:
            raise Superseded(f"{self.folder}: it was removed, or set aside by --fresh")
        later = latest.attempts > self.manifest.attempts and (self.writer or self.token is None)
        if later or (self.writer and latest.writer not in ("", self.writer)):
            raise Superseded(f"{self.folder}: attempt {self.manifest.attempts} was considered dead")
        # of our own trial we know better, but that it was given up
        self.manifest = replace(self.manifest, given_up=latest.given_up) if self.writer else latest

    def _refuse_orphan(self, latest: Manifest) -> None:
        if self.token is not None and latest.token > self.token:
            raise Superseded(f"{self.folder}: the trial belongs to driver {latest.token}, not to {self.token}")

    def save(
        self, epoch: int, state: Mapping[str, Any], metrics: Mapping[str, float], seconds: float, best: bool
    ) -> None:
        """Store the state after `epoch`, then let the manifest say so, then drop what is no longer needed.

        The best, the last and the one before it stay. Raises `plain_state.NotPlain` where the state holds what
        couldn't be loaded again.
        """
        self.write(self.prepare(epoch, state, metrics, seconds, best))

    def prepare(
        self, epoch: int, state: Mapping[str, Any], metrics: Mapping[str, float], seconds: float, best: bool
    ) -> PreparedSave:
        """What `write` is to store of an epoch: a copy of its state, which may change from now on. As `save` says."""
        if self.manifest.epochs >= epoch:
            self.manifest = self.until(epoch - 1)
        saved = self.manifest.saved
        best_epoch = epoch if best else self.manifest.best_epoch
        remaining = tuple(s for s in saved if s.epoch == best_epoch or s is saved[-1])
        before = self._sealed()
        after = replace(
            before,
            saved=remaining,
            best_epoch=best_epoch,
            best_metrics=dict(metrics) if best else before.best_metrics,
            curve=(*before.curve, dict(metrics)),
            times=(*before.times, time.time()),
            seconds=seconds,
        )
        dropped = [former for former in saved if former not in remaining]
        return PreparedSave(epoch, self.states.encode(state, encode_manifest(after)), after, dropped)

    def write(self, prepared: PreparedSave) -> None:
        """Store what `prepare` gave; nothing else of the trial may be written in between."""
        after, content = prepared.manifest, prepared.content
        path = checkpoint_path(self.folder, prepared.epoch, after.attempts)
        self.store.write(path, content)
        try:
            self.update(
                **{**progress_of(after), "saved": (*after.saved, Saved(prepared.epoch, path, checksum(content)))}
            )
        except Superseded:
            self.store.delete(path)  # its name has our attempt, so that no other attempt owns it
            raise
        for former in prepared.dropped:
            self.store.delete(former.path)

    def _sealed(self) -> Manifest:
        """The manifest once the epochs that fill a chunk are sealed in one."""
        manifest = self.manifest
        while len(manifest.curve) >= CHUNK:
            full = Curve(manifest.curve[:CHUNK], manifest.times[:CHUNK])
            seal(self.store, self.folder, count(manifest.sealed), manifest.attempts, full)
            manifest = replace(
                manifest,
                sealed=add_run(manifest.sealed, manifest.attempts),
                curve=manifest.curve[CHUNK:],
                times=manifest.times[CHUNK:],
            )
        return manifest

    def until(self, epoch: int) -> Manifest:
        """The manifest as if the trial had reached `epoch` and no more."""
        manifest = self.manifest
        saved = tuple(s for s in manifest.saved if s.epoch <= epoch)
        there = any(s.epoch == manifest.best_epoch for s in saved)
        chunks = min(epoch // CHUNK, count(manifest.sealed))
        rest = epoch - CHUNK * chunks
        tail = Curve(manifest.curve, manifest.times)
        if chunks < count(manifest.sealed):
            tail = read_chunk_or_blank(self.store, chunk_path_of(self.folder, manifest.sealed, chunks))
        return replace(
            manifest,
            saved=saved,
            best_epoch=manifest.best_epoch if there else None,
            best_metrics=manifest.best_metrics if there else {},
            sealed=first_runs(manifest.sealed, chunks),
            curve=tuple(tail.metrics[:rest]),
            times=tuple(tail.times[:rest]),
        )

    def forget_after(self, epoch: int) -> None:
        """Drop what came after `epoch`: it will be trained again."""
        if self.manifest.epochs > epoch:
            self.update(**progress_of(self.until(epoch)))

    def clean(self) -> None:
        """Remove what earlier attempts stored last and the manifest doesn't know: no attempt will resume from it."""
        paths = {saved.path for saved in self.manifest.saved}
        placed = {f"{self.folder}/{name}": place_of(name) for name in self.store.names(self.folder)}
        strays = [path for path, place in placed.items() if place and place[1] < self.manifest.attempts]
        for path in (*strays, *unknown_chunks(self.store, self.folder, self.manifest.sealed, self.manifest.attempts)):
            if path not in paths:
                self.store.delete(path)

    def curve(self) -> Curve:
        """The metrics of every epoch so far; those that a damaged chunk held are missing."""
        sealed = read_sealed(self.store, self.folder, self.manifest.sealed)
        return Curve((*sealed.metrics, *self.manifest.curve), (*sealed.times, *self.manifest.times))

    def progress(self, spec: TrialSpec) -> TrialProgress:
        """How far the trial has come."""
        manifest, curve = self.manifest, self.curve()
        states = {"best": manifest.best, "last": manifest.last}
        return TrialProgress(
            spec,
            manifest.started,
            manifest.attempts,
            manifest.epochs,
            manifest.seconds,
            manifest.best.epoch if manifest.best else None,
            [finite(metrics) for metrics in curve.metrics],
            list(curve.times),
            {name: saved.path for name, saved in states.items() if saved},
        )

    def start_over(self) -> None:
        """Forget all that was trained (`--retry`), but for the number of attempts, which stays the highest."""
        if self.etag is None:
            return
        self.update(**{**shallow(Manifest()), "attempts": self.manifest.attempts, "token": self.token or 0})
        for name in list(self.store.names(self.folder)):
            if f"{self.folder}/{name}" != manifest_path(self.folder):
                self.store.delete(f"{self.folder}/{name}")

    def resume(self) -> tuple[int, dict[str, Any] | None]:
        """The newest epoch whose state is whole, with that state; `(0, None)` where there is none."""
        for saved in reversed(self.manifest.saved):
            try:
                return saved.epoch, load_state(self.store, saved)
            # not where the store can't be reached, which says nothing about its blobs
            except (Damaged, ForeignPath, FileNotFoundError) as error:
                log.warning("%s; continuing from the checkpoint before", error)
        return 0, None


def progress_of(manifest: Manifest) -> dict[str, Any]:
    """The fields that training changes; that a trial was given up, somebody else may write at any time."""
    return {name: value for name, value in shallow(manifest).items() if name != "given_up"}


def load_state(store: Store, saved: Saved) -> dict[str, Any]:
    """The stored state; raises `Damaged` if its checksum doesn't match, `Unloadable` if it is not plain data."""
    content = store.read(saved.path)
    present = checksum(content)
    if present != saved.sha256:
        raise Damaged(
            f"the checkpoint {saved.path} is damaged: expected sha256 {saved.sha256[:12]}…, found {present[:12]}…"
        )
    try:
        return decode_state(content)
    except pickle.UnpicklingError as error:
        # not with torch's own words, which advise to load it despite the code that it runs
        kind = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"{kind[1]}, which is" if kind else "what is"
        raise Unloadable(
            f"the checkpoint {saved.path} can't be loaded: it holds {what} no plain data; an older saddle stored it, "
            "so let the trainable report tensors and plain values, and run the study with --fresh"
        ) from None
