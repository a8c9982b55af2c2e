"""The node's cache: built once, mapped by all, found damaged, kept within its budget."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.trainables.datasets.encoding import noise, png, write_parquet
from trainables.datasets import DataError, Dataset, Split, load
from trainables.datasets.cache.lock import hold, try_hold
from trainables.datasets.cache.space import budget, cache_root, entries, make_room
from trainables.datasets.decoding.images import decode, resize

LIMIT = 180.0


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("SADDLE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "datasets"


@pytest.fixture
def spec(tmp_path: Path) -> dict[str, Any]:
    train = write_parquet(tmp_path / "train.parquet", noise(40, (8, 6, 3)), row_group_size=7)
    test = write_parquet(tmp_path / "test.parquet", noise(12, (8, 6, 3), seed=1))
    return {"parquet": {"train": str(train), "test": str(test)}}


def in_memory(images: np.ndarray[Any, Any]) -> Split:
    """The split as it would be without any file."""
    pixels = torch.from_numpy(images)
    pixels = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)
    return Split(pixels.contiguous(), torch.arange(len(images)) % 3)


def start(code: str, **environment: str) -> subprocess.Popen[str]:
    """A Python that runs `code`, and has no say in what this process has loaded."""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
    )


def finish(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, err
    return out


def test_a_link_in_a_lock_s_place_is_not_written_through(tmp_path: Path) -> None:
    foreign, lock = tmp_path / "foreign", tmp_path / "letters.lock"
    foreign.write_text("precious")
    lock.symlink_to(foreign)
    with pytest.raises(OSError, match=r"letters\.lock"), hold(lock, "letters"):
        pass
    assert foreign.read_text() == "precious"


def test_the_cache_changes_nothing(spec: dict[str, Any], cache: Path) -> None:
    plain = Dataset("train", ("0", "1", "2"), in_memory(noise(40, (8, 6, 3))), in_memory(noise(12, (8, 6, 3), seed=1)))
    first, second = load(spec), load(spec)
    assert len(list(cache.glob("*/entry.json"))) == 1
    for loaded in (first, second):
        assert (loaded.name, loaded.classes, loaded.shape) == ("train", ("0", "1", "2"), (3, 8, 6))
        assert torch.equal(loaded.train.images, plain.train.images)
        assert torch.equal(loaded.test.labels, plain.test.labels)
        # calculated again, not taken from the entry
        assert Dataset("x", loaded.classes, loaded.train, loaded.test).fingerprint == plain.fingerprint
        assert loaded.fingerprint == plain.fingerprint


def test_colour_may_come_late_and_sizes_once(tmp_path: Path) -> None:
    grey, colour = noise(300), noise(1, (9, 5, 3))
    folder = tmp_path / "late"
    for index, image in enumerate([*grey, *colour]):
        path = folder / "train" / "ab"[index % 2] / f"{index:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(image))
    write = folder / "test" / "a" / "0.png"
    write.parent.mkdir(parents=True)
    write.write_bytes(png(grey[0]))
    dataset = load({"folder": str(folder), "size": [4, 7]})
    assert dataset.shape == (3, 4, 7)
    order = [*range(0, 301, 2), *range(1, 301, 2)]
    for position, index in enumerate(order):
        source = grey[index] if index < 300 else colour[0]
        expected = np.asarray(resize(decode(png(source), ""), (4, 7)).convert("RGB"))
        assert np.array_equal(dataset.train.images[position].permute(1, 2, 0).numpy(), expected), index
    assert torch.equal(dataset.test.images[0], dataset.train.images[0])


def test_a_changed_source_or_size_is_another_entry(spec: dict[str, Any], cache: Path, tmp_path: Path) -> None:
    before = load(spec)
    assert load({**spec, "size": 4}).shape == (3, 4, 4)
    write_parquet(tmp_path / "test.parquet", noise(12, (8, 6, 3), seed=2))
    after = load(spec)
    assert torch.equal(after.test.images, in_memory(noise(12, (8, 6, 3), seed=2)).images)
    assert torch.equal(after.train.images, before.train.images)
    assert len(entries(cache)) == 3


def test_a_partitioned_split_is_one(tmp_path: Path) -> None:
    images = noise(30)
    for part, rows in enumerate(np.split(images, [6, 21])):
        write_parquet(tmp_path / "train" / f"part-{part}.parquet", rows)
    (tmp_path / "train" / "_SUCCESS").write_text("")
    write_parquet(tmp_path / "test" / "x=1" / "a.parquet", images[:6])
    dataset = load({"parquet": {"train": str(tmp_path / "train") + "/", "test": str(tmp_path / "test")}})
    assert (dataset.name, len(dataset.test)) == ("train", 6)
    assert torch.equal(dataset.train.images, in_memory(images).images)
    (tmp_path / "train" / "part-1.parquet").write_bytes(b"rubbish")
    with pytest.raises(DataError, match=r"train/part-1\.parquet is not a readable Parquet file"):
        load({"parquet": {"train": str(tmp_path / "train"), "test": str(tmp_path / "test")}})
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match=r"none has no \*\.parquet files"):
        load({"parquet": {"train": str(tmp_path / "none"), "test": str(tmp_path / "test")}})


def test_a_bad_row_is_named_by_its_row_in_its_part(tmp_path: Path, cache: Path) -> None:
    write_parquet(tmp_path / "train" / "0.parquet", noise(5))
    write_parquet(tmp_path / "train" / "1.parquet", np.zeros((4, 8, 7), dtype=np.uint8))
    with pytest.raises(DataError, match=r"train/1\.parquet, row 0 has 8×7 pixels, and .*train/0\.parquet, row 0 8×6"):
        load({"parquet": {"train": str(tmp_path / "train"), "test": str(tmp_path / "train")}})
    write_parquet(tmp_path / "test" / "0.parquet", noise(4), classes=4)
    with pytest.raises(DataError, match=r"test/0\.parquet, row 3 has label 3, which no training image has"):
        load({"parquet": {"train": str(tmp_path / "train" / "0.parquet"), "test": str(tmp_path / "test")}})
    assert not [path for path in cache.iterdir() if path.suffix != ".lock"], "nothing is left of a failed build"


def test_writing_into_a_tensor_reaches_no_one_else(spec: dict[str, Any]) -> None:
    mine, other = load(spec), load(spec)
    before = other.train.images[0].clone()
    mine.train.images[0] ^= 255
    mine.train.labels[0] += 1
    assert torch.equal(other.train.images[0], before)
    assert torch.equal(mine.train.images[0], before ^ 255)
    assert torch.equal(load(spec).train.images[0], before)


MAPPED = """
import json, sys
import torch
from trainables.datasets import load

def kilobytes(name, path):
    found, counts = 0, False
    for line in open("/proc/self/smaps"):
        if "-" in line.split()[0]:
            counts = path in line
        elif counts and line.startswith(name + ":"):
            found += int(line.split()[1])
    return found

def anonymous():
    [line] = [line for line in open("/proc/self/status") if line.startswith("RssAnon")]
    return int(line.split()[1])

load({small!r})
before = anonymous()
dataset = load({large!r})
dataset.train.images.sum(dtype=torch.int64)
found = {{name: kilobytes(name, {path!r}) for name in ("Rss", "Private_Dirty", "Shared_Clean")}}
print(json.dumps({{**found, "own": anonymous() - before}}))
"""


def test_tensors_are_the_map_itself(spec: dict[str, Any], tmp_path: Path, cache: Path) -> None:
    """A second process has the pixels in pages of the file that both share, and no copy of them."""
    load(spec)
    levels = np.arange(600) // 3 % 60 + 60 * (np.arange(600) % 3) + 1  # others in every class
    images = np.tile(levels.astype(np.uint8)[:, None, None], (1, 256, 256))
    path = str(write_parquet(tmp_path / "p.parquet", images))
    large = {"parquet": {"train": path, "test": str(write_parquet(tmp_path / "q.parquet", images[:3]))}}
    here = load(large)
    assert here.train.images.sum(dtype=torch.int64) > 0
    [entry] = [entry for entry in entries(cache) if entry.facts["name"] == "p"]
    found = json.loads(finish(start(MAPPED.format(small=spec, large=large, path=str(entry.path / "train.arrow")))))
    size = here.train.images.numel() / 1024
    assert found["Rss"] >= size, "all pixels were looked at where they are mapped"
    assert found["Private_Dirty"] == 0
    assert found["Shared_Clean"] >= size, "the pages are those of the other process"
    assert found["own"] < size / 2, "nor is there a copy elsewhere"


BUILDS = """
import logging, sys
from trainables.datasets import load
from trainables.datasets.cache import node_cache as cache
build = cache._build
cache._build = lambda *given: (print("built", flush=True), build(*given))
print(load({spec!r}).fingerprint)
"""


def test_processes_that_start_together_build_once(spec: dict[str, Any]) -> None:
    processes = [start(BUILDS.format(spec=spec)) for _ in range(3)]
    lines = [finish(process).split() for process in processes]
    assert sum("built" in found for found in lines) == 1
    assert len({found[-1] for found in lines}) == 1


HANGS = """
from trainables.datasets import load
from trainables.datasets.cache import node_cache as cache
def hang(*given, **named):
    print("building", flush=True)
    __import__("time").sleep(600)
cache.write_splits = hang
load({spec!r})
"""


def test_a_killed_builder_leaves_nothing_and_blocks_nobody(spec: dict[str, Any], cache: Path) -> None:
    builder = start(HANGS.format(spec=spec))
    assert builder.stdout is not None
    assert builder.stdout.readline() == "building\n"
    waiting = start(BUILDS.format(spec=spec))
    time.sleep(0.5)
    assert waiting.poll() is None
    assert not entries(cache)
    assert list(cache.glob(".*.building"))
    builder.send_signal(signal.SIGKILL)
    builder.communicate(timeout=LIMIT)
    assert finish(waiting).startswith("built")
    assert not list(cache.glob(".*"))
    assert len(entries(cache)) == 1


def test_waiting_ends_and_names_who_is_waited_for(tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"
    with (
        hold(lock, "letters"),
        pytest.raises(DataError, match=f"process {os.getpid()} has been loading letters .* without progress"),
        hold(lock, "letters", patience=0.3),
    ):
        pass
    with hold(lock, "letters", patience=0.1):
        assert try_hold(lock) is None


def test_progress_of_the_builder_keeps_others_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "x.lock"
    code = f"""
import time
from pathlib import Path
from trainables.datasets.cache import lock as cache_lock
cache_lock.BEAT = 0.05
with cache_lock.hold(Path({str(lock)!r}), "letters") as beat:
    print("held", flush=True)
    for _ in range(160):
        time.sleep(0.05)
        beat()
"""
    process = start(code)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with hold(lock, "letters", patience=4.0):  # it takes eight seconds
        pass
    finish(process)


def damage_a_pixel(entry: Path) -> None:
    content = bytearray((entry / "train.arrow").read_bytes())
    content[len(content) // 2] ^= 1
    (entry / "train.arrow").write_bytes(content)


def cut_in_half(entry: Path) -> None:
    os.truncate(entry / "test.arrow", (entry / "test.arrow").stat().st_size // 2)


@pytest.mark.parametrize(
    "damage",
    [
        damage_a_pixel,
        cut_in_half,
        lambda entry: (entry / "train.arrow").write_bytes(b""),
        lambda entry: (entry / "train.arrow").write_bytes(b"\0" * 4000),
        lambda entry: (entry / "test.arrow").unlink(),
        lambda entry: (entry / "entry.json").write_text("{"),
        lambda entry: (entry / "entry.json").write_text('{"name": "train"}'),
        lambda entry: (entry / "entry.json").unlink(),
        lambda entry: os.replace(entry / "train.arrow", entry / "test.arrow"),
    ],
)
def test_damage_is_found_and_mended(
    spec: dict[str, Any], cache: Path, damage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    sound = load(spec).fingerprint
    [entry] = entries(cache)
    damage(entry.path)
    caplog.clear()
    mended = load(spec)
    assert Dataset("x", mended.classes, mended.train, mended.test).fingerprint == sound
    caplog.clear()
    assert load(spec).fingerprint == sound
    assert not caplog.records, "mended once"


def test_mending_is_told(spec: dict[str, Any], cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    load(spec)
    [entry] = entries(cache)
    damage_a_pixel(entry.path)
    load(spec)
    assert [record.message.partition(" (")[0] for record in caplog.records] == [
        "the cache of train is damaged and is rebuilt"
    ]


def test_the_least_recently_used_go_first_and_none_that_is_in_use(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs = []
    for index in range(4):
        path = write_parquet(tmp_path / f"{index}.parquet", noise(50, seed=index))
        specs.append({"parquet": {"train": str(path), "test": str(path)}})
    held = load(specs[0])
    for index in (1, 2):
        load(specs[index])
        [mine] = [entry for entry in entries(cache) if entry.facts["name"] == str(index)]
        os.utime(mine.path / "entry.json", (index * 1000, index * 1000))
    load(specs[1])  # used again, so number 2 is the one that goes first
    size = entries(cache)[0].size
    monkeypatch.setenv("SADDLE_CACHE_BYTES", str(int(3.5 * size)))
    load(specs[3])
    assert {entry.facts["name"] for entry in entries(cache)} == {"0", "1", "3"}
    make_room(cache, room=0)
    assert [(entry.facts["name"], entry.held) for entry in entries(cache)] == [("0", True)]
    pixels = held.test.images
    del held
    make_room(cache, room=0)
    assert len(entries(cache)) == 1, "one tensor is enough"
    assert pixels.sum() > 0
    del pixels
    make_room(cache, room=0)
    assert not list(cache.iterdir())


def test_the_budget_is_read_as_people_write_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for text, expected in (("1000", 1000), ("20G", 20 << 30), ("1.5 GiB", 3 << 29), ("7kb", 7 << 10)):
        monkeypatch.setenv("SADDLE_CACHE_BYTES", text)
        assert budget(tmp_path) == expected
    monkeypatch.setenv("SADDLE_CACHE_BYTES", "much")
    with pytest.raises(DataError, match="SADDLE_CACHE_BYTES is 'much'; write"):
        budget(tmp_path)
    monkeypatch.delenv("SADDLE_CACHE_BYTES")
    assert 0 < budget(tmp_path) <= 50 << 30


def test_a_cache_that_cannot_be_written_is_explained(
    spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SADDLE_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"the cache .*file.* can't be used: .*; name another folder with SADDLE_CACHE"):
        load(spec)
    monkeypatch.delenv("SADDLE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    assert cache_root() == tmp_path / "own" / "saddle" / "datasets"
