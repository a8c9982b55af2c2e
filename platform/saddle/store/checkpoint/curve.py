"""The curve of a running trial, in chunks that are written once: what an epoch costs doesn't grow with their number.

A manifest holds the metrics of its latest epochs itself. Whenever they fill a chunk, that is sealed: a blob of its own,
which is never written again. Its name has its place and the attempt that wrote it, so that an orphan of an earlier
attempt writes another file and doesn't overwrite it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from saddle.errors import Damaged
from saddle.store.base import Store
from saddle.store.digest import read_signed_json, sign_json
from saddle.store.parallel import in_parallel

CHUNK = 64
"""Epochs of a chunk: so many are in a manifest at most (1 ms to write), and each is a blob of some 10 kB."""

Runs = Sequence[tuple[int, int]]
"""Which attempt sealed how many chunks, in their order: `((1, 20), (3, 2))`."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Curve:
    """The metrics of epochs, and when each was over."""

    metrics: Sequence[Mapping[str, float]] = ()
    times: Sequence[float] = ()


def of_attempt(name: str, attempt: int) -> str:
    """The name of a blob that attempt number `attempt` writes; the first one's are plain."""
    return name if attempt <= 1 else f"{name}-attempt-{attempt:04d}"


def chunk_path(folder: str, number: int, attempt: int) -> str:
    """The path of chunk `number`, from 0, that `attempt` sealed."""
    return f"{folder}/curve/{of_attempt(f'{number:06d}', attempt)}.json"


def count(sealed: Runs) -> int:
    """How many chunks are sealed."""
    return sum(chunks for _, chunks in sealed)


def add_run(sealed: Runs, attempt: int) -> Runs:
    """One chunk more, sealed by `attempt`."""
    if sealed and sealed[-1][0] == attempt:
        return (*sealed[:-1], (attempt, sealed[-1][1] + 1))
    return (*sealed, (attempt, 1))


def first_runs(sealed: Runs, chunks: int) -> Runs:
    """The first `chunks` of the sealed ones."""
    runs: list[tuple[int, int]] = []
    for attempt, number in sealed:
        if chunks > 0:
            runs.append((attempt, min(number, chunks)))
        chunks -= number
    return tuple(runs)


def seal(store: Store, folder: str, number: int, attempt: int, curve: Curve) -> None:
    """Write chunk `number`."""
    store.write(
        chunk_path(folder, number, attempt), sign_json({"curve": list(curve.metrics), "times": list(curve.times)})
    )


def read_chunk(store: Store, path: str) -> Curve:
    """The epochs of a chunk; raises `Damaged` if it is missing or not what was written."""
    try:
        raw = read_signed_json(store.read(path))
        return Curve(tuple(raw["curve"]), tuple(raw["times"]))
    except FileNotFoundError:
        raise Damaged(f"{store.locate(path)} is missing") from None
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{store.locate(path)} is damaged: {error}") from error


def read_chunk_or_blank(store: Store, path: str) -> Curve:
    """The epochs of a chunk; without metrics and times if it is damaged, which is logged."""
    try:
        return read_chunk(store, path)
    except Damaged as error:
        log.warning("%s; the metrics of its %d epochs are lost", error, CHUNK)
        return Curve([{}] * CHUNK, [0.0] * CHUNK)


def chunk_paths(folder: str, sealed: Runs) -> Iterator[str]:
    """Where the sealed chunks are stored, in their order."""
    number = 0
    for attempt, chunks in sealed:
        for _ in range(chunks):
            yield chunk_path(folder, number, attempt)
            number += 1


def chunk_path_of(folder: str, sealed: Runs, number: int) -> str:
    """The path of sealed chunk `number`."""
    return next(islice(chunk_paths(folder, sealed), number, None))


def unknown_chunks(store: Store, folder: str, sealed: Runs, before: int) -> list[str]:
    """The chunks of attempts `before` this one that are not among the sealed ones."""
    sealed_paths = set(chunk_paths(folder, sealed))
    paths = [f"{folder}/curve/{name}" for name in store.names(f"{folder}/curve")]
    return [path for path in paths if path not in sealed_paths and attempt_of(path) < before]


def attempt_of(path: str) -> int:
    """Which attempt wrote a chunk."""
    attempt = path.rpartition("-attempt-")[2].removesuffix(".json") if "-attempt-" in path else "1"
    return int(attempt) if attempt.isdigit() else 0


def read_sealed(store: Store, folder: str, sealed: Runs) -> Curve:
    """The epochs of all sealed chunks (see `read_chunk_or_blank`)."""
    chunks = list(in_parallel(store, lambda path: read_chunk_or_blank(store, path), chunk_paths(folder, sealed)))
    return Curve(
        [metrics for chunk in chunks for metrics in chunk.metrics], [when for chunk in chunks for when in chunk.times]
    )
