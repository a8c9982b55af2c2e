"""What is known of a running trial, in the folder of its checkpoints, from which it is restored if it was damaged."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from saddle.errors import Damaged, ForeignPath, LaterFormat
from saddle.redaction import redact
from saddle.store.base import Store
from saddle.store.checkpoint.checkpoint_metadata import find_record
from saddle.store.checkpoint.curve import CHUNK, Runs, count, of_attempt
from saddle.store.digest import checksum, read_signed_json, sign_json
from saddle.store.paths import check_path

FORMAT = 2
"""Version 1, which said no version, held the whole curve."""

CHECKPOINT = re.compile(r"epoch-(\d+)(?:-attempt-(\d+))?\.pt")


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
    """`TrialProgress` as it is stored while the trial runs, with the checksums and fences that writers need.

    `curve` holds the metrics of the epochs after those `sealed` in chunks (see `curve`), `times` when each was over;
    `seconds` is the training time of all.
    """

    saved: Sequence[Saved] = ()
    best_epoch: int | None = None
    best_metrics: Mapping[str, float] = field(default_factory=dict)
    """The metrics of the best epoch, anywhere in the curve; since version 2."""
    sealed: Runs = ()
    curve: Sequence[Mapping[str, float]] = ()
    times: Sequence[float] = ()
    seconds: float = 0.0
    attempts: int = 0
    token: int = 0
    """The fencing token of the driver whose worker wrote last."""
    writer: str = ""
    """Identifies the attempt that wrote last, to distinguish it from others with the same number."""
    started: float = 0.0
    given_up: GivenUp | None = None
    """Set where the trial is not to be resumed."""

    @property
    def epochs(self) -> int:
        """How many epochs the trial has reached."""
        return CHUNK * count(self.sealed) + len(self.curve)

    @property
    def last(self) -> Saved | None:
        return self.saved[-1] if self.saved else None

    @property
    def best(self) -> Saved | None:
        return next((s for s in self.saved if s.epoch == self.best_epoch), None)


def manifest_path(folder: str) -> str:
    """The path of the manifest among the checkpoints of a folder."""
    return f"{folder}/manifest.json"


def checkpoint_path(folder: str, epoch: int, attempt: int) -> str:
    """Where an attempt stores the state after `epoch`."""
    return f"{folder}/{of_attempt(f'epoch-{epoch:05d}', attempt)}.pt"


def place_of(name: str) -> tuple[int, int] | None:
    """Epoch and attempt of the checkpoint of this name; None for any other file."""
    match = CHECKPOINT.fullmatch(name)
    return (int(match[1]), int(match[2] or 1)) if match else None


def shallow(manifest: Manifest) -> dict[str, Any]:
    """The fields of a manifest, not converted."""
    return {each.name: getattr(manifest, each.name) for each in fields(Manifest)}


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as JSON with its own checksum."""
    given_up = vars(manifest.given_up) if manifest.given_up is not None else None
    saved = [vars(state) for state in manifest.saved]
    return sign_json({**shallow(manifest), "saved": saved, "given_up": given_up, "version": FORMAT})


def decode_manifest(content: bytes) -> Manifest:
    """The manifest that `encode_manifest` wrote; raises `ValueError` if it is not whole, or `LaterFormat`."""
    raw = read_signed_json(content)
    try:
        version = raw.pop("version", 1)
        if version > FORMAT:
            raise LaterFormat(f"the manifest has version {version}; this saddle reads up to {FORMAT}")
        raw["given_up"] = GivenUp(**raw["given_up"]) if raw["given_up"] is not None else None
        raw["saved"] = tuple(Saved(**saved) for saved in raw["saved"])
        raw["sealed"] = tuple((attempt, chunks) for attempt, chunks in raw.get("sealed", ()))
        raw |= {name: tuple(raw[name]) for name in ("curve", "times")}
        if version == 1 and raw["best_epoch"] is not None:
            raw["best_metrics"] = raw["curve"][raw["best_epoch"] - 1]
        return Manifest(**raw)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"it is not a manifest: {error!r}") from error


def read_manifest(store: Store, folder: str) -> Manifest:
    """The manifest in `folder`, an empty one if there is none; raises `Damaged`."""
    return fetch_manifest(store, folder)[0]


def fetch_manifest(store: Store, folder: str) -> tuple[Manifest, str | None]:
    """The manifest in `folder` with its ETag, an empty one with None if there is none; raises `Damaged`."""
    try:
        content, etag = store.fetch(manifest_path(folder))
        return within(folder, decode_manifest(content)), etag
    except FileNotFoundError:
        return Manifest(), None
    except ValueError as error:
        raise Damaged(f"{store.locate(manifest_path(folder))} is damaged: {error}") from error


def recover_manifest(store: Store, folder: str) -> Manifest:
    """The manifest as the newest whole checkpoint in `folder` gives it, an empty one if there is none.

    The newest is the last one of the last attempt: an orphan of an earlier one may have come further.
    """
    placed = ((place_of(name), name) for name in store.names(folder))
    for (_, epoch), name in sorted(((place[1], place[0]), name) for place, name in placed if place)[::-1]:
        path = f"{folder}/{name}"
        try:
            content = store.read(path)
            manifest = within(folder, decode_manifest(find_record(content)))
        except (ValueError, Damaged, ForeignPath, FileNotFoundError):
            continue
        return replace(manifest, saved=(*manifest.saved, Saved(epoch, path, checksum(content))))
    return Manifest()


def within(folder: str, manifest: Manifest) -> Manifest:
    """The manifest with its checkpoints in `folder`, under any name that the study's folder had when it was written.

    Raises `ValueError` for one that names anything but checkpoints of its own trial: what it names is deleted one day.
    """
    return replace(manifest, saved=tuple(replace(saved, path=_placed(folder, saved.path)) for saved in manifest.saved))


def _placed(folder: str, path: str) -> str:
    try:
        named, _, name = check_path(path).rpartition("/")
    except ForeignPath as error:
        raise ValueError(f"it names a file outside of the storage: {error}") from None
    if not name.startswith("epoch-") or not name.endswith(".pt") or _below_study(named) != _below_study(folder):
        raise ValueError(f"it names {path!r}, which is not a checkpoint of this trial")
    return f"{folder}/{name}"


def _below_study(folder: str) -> list[str]:
    """The part of a folder that stays the same when `--fresh` sets its study aside."""
    parts = folder.split("/")
    return parts[2:] if parts[0] == "studies" else parts
