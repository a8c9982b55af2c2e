"""The curve in chunks: what an epoch writes is flat, what is stored whole whenever the writer is killed."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch

from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.checkpoint.curve import CHUNK, chunk_paths
from saddle.store.checkpoint.manifest import read_manifest
from saddle.store.digest import checksum
from saddle.store.local import LocalStore
from saddle.trial.json_text import to_json


class Killed(Exception):
    """The process is gone."""


@dataclass(frozen=True)
class Meter(LocalStore):
    """A store that notes what is written, and can be killed after a number of writes and deletions."""

    written: list[int] = field(default_factory=list, compare=False)
    lives: list[int] = field(default_factory=list, compare=False)

    def _count(self) -> None:
        if self.lives:
            self.lives[0] -= 1
            if self.lives[0] < 0:
                raise Killed

    def write(self, path: str, content: bytes) -> None:
        self._count()
        self.written.append(len(content))
        super().write(path, content)

    def delete(self, path: str) -> None:
        self._count()
        super().delete(path)


def metrics_of(epoch: int) -> dict[str, float]:
    return {"validation/score": 1 - 1 / epoch, "train/loss": 1 / epoch, "train/other": float(epoch)}


def train(store: LocalStore, epochs: int, folder: str = "t") -> Checkpoints:
    """A worker's life: claim, resume, continue to the last epoch."""
    checkpoints = Checkpoints.open(store, folder)
    checkpoints.claim(1.0)
    reached, state = checkpoints.resume()
    checkpoints.forget_after(reached)
    checkpoints.clean()
    assert (state or {"epoch": 0})["epoch"] == reached
    for epoch in range(reached + 1, epochs + 1):
        best = epoch == 3 or checkpoints.manifest.best_epoch is None
        checkpoints.save(epoch, {"epoch": epoch, "w": torch.zeros(3)}, metrics_of(epoch), 0.5 * epoch, best)
    return checkpoints


def assert_whole(store: LocalStore, epochs: int, folder: str = "t") -> None:
    curve = Checkpoints.open(store, folder).curve()
    assert [dict(metrics) for metrics in curve.metrics] == [metrics_of(epoch) for epoch in range(1, epochs + 1)]
    assert len(curve.times) == epochs
    assert list(curve.times) == sorted(curve.times)


def test_what_an_epoch_writes_does_not_grow_with_their_number(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    train(meter, 20)
    meter.written.clear()
    train(meter, 20 + CHUNK)
    early = sum(meter.written)
    train(meter, 20 * CHUNK)
    meter.written.clear()
    train(meter, 21 * CHUNK)
    assert sum(meter.written) <= 1.1 * early
    assert max(meter.written) < 20_000
    assert_whole(meter, 21 * CHUNK)


@pytest.mark.fault("worker killed between any two of its writes")
def test_killed_between_any_two_writes_no_epoch_is_lost_or_repeated(tmp_path: Path) -> None:
    epochs = CHUNK + 3
    for lives in count():
        store = Meter(tmp_path / str(lives))
        train(store, CHUNK - 2)
        store.lives.append(lives)
        with contextlib.suppress(Killed):
            train(store, epochs)
            break
        store.lives.clear()
        reached = Checkpoints.open(store, "t").manifest.epochs
        assert_whole(store, reached)
        again = train(store, epochs)
        assert_whole(store, epochs)
        assert again.manifest.best_epoch == 3
        assert again.manifest.best_metrics == metrics_of(3)
        stored = [name for name in store.names("t") if name.endswith(".pt")]
        assert sorted(f"t/{name}" for name in stored) == sorted(saved.path for saved in again.manifest.saved)
        chunks = {f"t/curve/{name}" for name in store.names("t/curve")}
        assert chunks == set(chunk_paths("t", again.manifest.sealed)), f"after {lives} writes"
    assert lives >= 3 * (epochs - (CHUNK - 2)), "each epoch writes two blobs and deletes one"


def test_a_trial_killed_again_and_again_is_whole_at_its_end(tmp_path: Path) -> None:
    store = Meter(tmp_path)
    epochs, reached = 2 * CHUNK + 5, 0
    while reached < epochs:
        store.lives[:] = [29]
        with contextlib.suppress(Killed):
            train(store, epochs)
        store.lives.clear()
        reached = Checkpoints.open(store, "t").manifest.epochs
        assert_whole(store, reached)


def test_going_back_into_a_sealed_chunk_forgets_what_came_after(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    epochs = 3 * CHUNK + 7
    last, before = train(store, epochs).manifest.saved[-1:-3:-1]
    store.write(last.path, b"damaged")
    store.write(before.path, b"damaged")
    assert Checkpoints.open(store, "t").resume()[0] == 3, "the best one"
    train(store, epochs)
    assert_whole(store, epochs)


@pytest.mark.parametrize("epoch", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 4])
def test_a_manifest_can_be_cut_at_any_epoch(tmp_path: Path, epoch: int) -> None:
    store = LocalStore(tmp_path)
    checkpoints = train(store, 2 * CHUNK + 5)
    checkpoints.forget_after(epoch)
    assert checkpoints.manifest.epochs == epoch
    assert_whole(store, epoch)


def test_a_damaged_manifest_loses_nothing_of_a_long_curve(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    epochs = 2 * CHUNK + 5
    train(store, epochs)
    store.write("t/manifest.json", b"{")
    assert_whole(store, epochs)
    assert Checkpoints.open(store, "t").manifest.best_metrics == metrics_of(3)


@pytest.mark.parametrize("damage", [None, b"", b'{"curve": []}', b"[1]"])
def test_of_a_damaged_chunk_only_its_own_epochs_are_lost(
    tmp_path: Path, damage: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    store = LocalStore(tmp_path)
    epochs = 3 * CHUNK + 1
    train(store, epochs)
    path = f"t/curve/{list(store.names('t/curve'))[1]}"
    if damage is None:
        store.delete(path)
    else:
        store.write(path, damage)
    curve = Checkpoints.open(store, "t").curve().metrics
    lost = range(CHUNK + 1, 2 * CHUNK + 1)
    assert [dict(metrics) for metrics in curve] == [
        {} if epoch in lost else metrics_of(epoch) for epoch in range(1, epochs + 1)
    ]
    assert f"the metrics of its {CHUNK} epochs are lost" in caplog.text


def old_manifest(epochs: int, saved: list[dict[str, Any]]) -> bytes:
    """A manifest as version 1 wrote it, with the whole curve in it."""
    raw = {
        "saved": saved,
        "best_epoch": 3,
        "curve": [metrics_of(epoch) for epoch in range(1, epochs + 1)],
        "times": [float(epoch) for epoch in range(1, epochs + 1)],
        "seconds": 4.0,
        "attempts": 2,
        "started": 0.5,
        "given_up": None,
    }
    return to_json({**raw, "sha256": checksum(to_json(raw).encode())}).encode()


@pytest.mark.parametrize("epochs", [5, CHUNK, 3 * CHUNK + 9])
def test_a_manifest_of_version_1_is_gone_on_from(tmp_path: Path, epochs: int) -> None:
    store = LocalStore(tmp_path)
    for saved in train(LocalStore(tmp_path / "other"), epochs).manifest.saved:
        store.write(saved.path, (tmp_path / "other" / saved.path).read_bytes())
    known = Checkpoints.open(LocalStore(tmp_path / "other"), "t").manifest.saved
    store.write("t/manifest.json", old_manifest(epochs, [vars(saved) for saved in known]))
    assert_whole(store, epochs)
    assert read_manifest(store, "t").best_metrics == metrics_of(3)
    again = train(store, epochs + 2)
    assert_whole(store, epochs + 2)
    assert again.manifest.attempts == 3
    assert again.manifest.best_epoch == 3
    assert len(again.manifest.curve) <= CHUNK
    assert json.loads(store.read("t/manifest.json"))["version"] == 2


@pytest.fixture(autouse=True)
def _no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of small files: their order on the disk is not what is tested here."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
