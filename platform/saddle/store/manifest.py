"""What is known of a trial under way, beside its checkpoints; where it was damaged, they tell it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from saddle.redaction import redact
from saddle.store.base import Damaged, ForeignPath, Store
from saddle.store.ledger import to_json
from saddle.store.paths import check_path
from saddle.store.recovery import find_record


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

    def __post_init__(self) -> None:
        object.__setattr__(self, "why", redact(self.why))


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


def manifest_path(folder: str) -> str:
    """Where the manifest lies among the checkpoints of a folder."""
    return f"{folder}/manifest.json"


def shallow(manifest: Manifest) -> dict[str, Any]:
    """The fields of a manifest as they are."""
    return {known.name: getattr(manifest, known.name) for known in fields(Manifest)}


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as JSON with a checksum of its own."""
    raw = asdict(manifest)
    return to_json({**raw, "sha256": checksum(to_json(raw).encode())}).encode()


def decode_manifest(content: bytes) -> Manifest:
    """The manifest that `encode_manifest` wrote; raises `ValueError` where it is not whole."""
    raw = json.loads(content)
    try:
        expected = raw.pop("sha256")
        if checksum(to_json(raw).encode()) != expected:
            raise ValueError("its checksum doesn't match")
        raw["given_up"] = GivenUp(**raw["given_up"]) if raw["given_up"] is not None else None
        raw["saved"] = tuple(Saved(**saved) for saved in raw["saved"])
        raw |= {name: tuple(raw[name]) for name in ("curve", "times")}
        return Manifest(**raw)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is no manifest: {error!r}") from error


def read_manifest(store: Store, folder: str) -> Manifest:
    """The manifest in `folder`, an empty one where there is none; raises `Damaged`."""
    try:
        return within(folder, decode_manifest(store.read(manifest_path(folder))))
    except FileNotFoundError:
        return Manifest()
    except ValueError as error:
        raise Damaged(f"{store.locate(manifest_path(folder))} is damaged: {error}") from error


def recover_manifest(store: Store, folder: str) -> Manifest:
    """The manifest as the newest whole checkpoint in `folder` tells it, an empty one where there is none."""
    for name in sorted(store.names(folder), reverse=True):
        path = f"{folder}/{name}"
        try:
            epoch = int(name.removeprefix("epoch-").removesuffix(".pt"))
            content = store.read(path)
            manifest = within(folder, decode_manifest(find_record(content)))
        except (ValueError, Damaged, ForeignPath, FileNotFoundError):
            continue
        return replace(manifest, saved=(*manifest.saved, Saved(epoch, path, checksum(content))))
    return Manifest()


def within(folder: str, manifest: Manifest) -> Manifest:
    """The manifest with its checkpoints in `folder`, whatever the study's folder was called when it was written.

    Raises `ValueError` for one that names anything but checkpoints of its own trial: what it names is deleted one day.
    """
    return replace(manifest, saved=tuple(replace(saved, path=_placed(folder, saved.path)) for saved in manifest.saved))


def _placed(folder: str, path: str) -> str:
    try:
        named, _, name = check_path(path).rpartition("/")
    except ForeignPath as error:
        raise ValueError(f"it names a file outside of the storage: {error}") from None
    if not name.startswith("epoch-") or not name.endswith(".pt") or _below_study(named) != _below_study(folder):
        raise ValueError(f"it names {path!r}, which is no checkpoint of this trial")
    return f"{folder}/{name}"


def _below_study(folder: str) -> list[str]:
    """The part of a folder that stays the same when `--fresh` sets its study aside."""
    parts = folder.split("/")
    return parts[2:] if parts[0] == "studies" else parts


def checksum(content: bytes) -> str:
    """The SHA-256 of a blob."""
    return hashlib.sha256(content).hexdigest()
