"""The decode policy over a whole dataset: depths, backgrounds, images that tell nothing, and the cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.support.odd_images import INK, alpha, raw_png
from trainables.datasets import DataError, load


def folder(root: Path, images: dict[str, list[Image.Image]], ending: str = "png") -> dict[str, Any]:
    for name, pictures in images.items():
        (root / "own" / name).mkdir(parents=True)
        for index, picture in enumerate(pictures):
            picture.save(root / "own" / name / f"{index}.{ending}")
    return {"folder": str(root / "own")}


def deep(highest: int, n: int = 5, seed: int = 0) -> list[Image.Image]:
    values = np.random.default_rng(seed).integers(0, highest + 1, (n, 4, 6))
    values[:, 0, 0] = highest
    return [Image.fromarray(of.astype(np.uint16)) for of in values]


def test_twelve_bits_in_sixteen_are_refused_until_their_range_is_said(tmp_path: Path) -> None:
    spec = folder(tmp_path, {"a": deep(4095), "b": deep(4095, seed=1)})
    with pytest.raises(DataError, match=r"reach 4095 of 65535 at most .*add `range: \[0, 4095\]` \(12 bits\) or"):
        load(spec)
    scaled = load({**spec, "range": [0, 4095]})
    assert int(scaled.train.images.max()) == 255
    assert int(load({**spec, "range": [0, 65535]}).train.images.max()) == 16
    with pytest.raises(DataError, match=r"a/0\.png has integer values from \d+ to 4095, outside of 0 to 1023"):
        load({**spec, "range": [0, 1023]})


def test_one_light_image_tells_that_the_others_are_dark(tmp_path: Path) -> None:
    spec = folder(tmp_path, {"a": deep(4095), "b": deep(65535, seed=1)})
    assert int(load(spec).train.images.max()) == 255


def test_twelve_bit_colours_are_refused(tmp_path: Path) -> None:
    (tmp_path / "own" / "a").mkdir(parents=True)
    for index in range(4):
        values = np.random.default_rng(index).integers(0, 4096, (4, 18))
        (tmp_path / "own" / "a" / f"{index}.png").write_bytes(raw_png(values.astype(">u2"), 16, 2))
    with pytest.raises(DataError, match=r"16-bit colours reach 4095 of 65535 at most .*save them with 8 bits"):
        load({"folder": str(tmp_path / "own")})


def test_a_range_that_is_about_nothing_is_refused(tmp_path: Path) -> None:
    spec = folder(tmp_path, {name: noise_of(seed) for seed, name in enumerate("ab")})
    with pytest.raises(DataError, match="`range` is about images deeper than 8 bits, and this dataset has none"):
        load({**spec, "range": [0, 4095]})
    with pytest.raises(DataError, match=r"the range \[5\.0, 5\.0\] is empty; write \[LOW, HIGH\]"):
        load({**spec, "range": [5, 5]})
    with pytest.raises(DataError, match="background"):
        load({**spec, "background": "grey"})


def noise_of(seed: int, n: int = 5) -> list[Image.Image]:
    return [Image.fromarray(of) for of in np.random.default_rng(seed).integers(0, 256, (n, 4, 6), dtype=np.uint8)]


def test_the_background_is_an_option_of_the_dataset_and_of_its_cache(tmp_path: Path) -> None:
    ink = [alpha(), Image.new("RGBA", (6, 4), (200, 200, 200, 255))]
    spec = folder(tmp_path, {"a": ink, "b": [Image.new("RGBA", (6, 4), (90 + i, 0, 0, 255)) for i in range(4)]})
    white, black, blue = (load({**spec, "background": colour}) for colour in ("white", "black", [0, 0, 255]))
    assert torch.equal(load(spec).train.images, white.train.images)
    assert len({white.fingerprint, black.fingerprint, blue.fingerprint}) == 3


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ({"a": [Image.new("L", (6, 4), 255)] * 5, "b": [Image.new("L", (6, 4), 255)] * 5}, "are between 255 and 255"),
        ({"a": [Image.fromarray(INK.astype(np.uint8))] * 5, "b": [Image.fromarray(~INK * np.uint8(1))] * 5},
         "between 0 and 1 of 255, so they are almost uniform"),
        ({"a": noise_of(0), "b": noise_of(0), "c": noise_of(0)}, "all 3 classes have the same \\d training images"),
        ({"a": [Image.new("L", (6, 4))] * 40, "b": [Image.new("L", (6, 4))] * 39 + noise_of(0, 1)},
         "79 of 80 training images are one and the same image"),
    ],
    ids=["constant", "values of 0 and 1", "same", "almost constant"],
)  # fmt: skip
def test_images_that_tell_nothing_are_refused(tmp_path: Path, images: Any, message: str) -> None:
    root = tmp_path / "own"
    for split in ("train", "test"):
        folder(root / split, images)
        (root / split / "own").rename(root / f"{split} images")
        (root / split).rmdir()
    with pytest.raises(DataError, match=f"^own: .*{message}"):
        load({"folder": str(root)})


def test_what_is_odd_and_may_be_meant_is_remarked(tmp_path: Path) -> None:
    blank = [Image.new("L", (6, 4), 255)] * 5
    dataset = load(folder(tmp_path, {"blank": blank, "noise": [*noise_of(0, 8), *blank]}))
    assert "all training images of class 'blank' are one and the same image" in dataset.remarks
    assert "1 training images are in several classes" in dataset.remarks


def test_all_images_that_are_wrong_are_told_at_once(tmp_path: Path) -> None:
    spec = folder(tmp_path, {"a": noise_of(0, 30), "b": noise_of(1, 30)})
    root = tmp_path / "own"
    (root / "a" / "1.png").write_bytes(b"rubbish")
    (root / "a" / "2.png").write_bytes(b"")
    (root / "b" / "notes.txt").write_text("")
    for index in (3, 4):
        Image.new("L", (9, 9)).save(root / "b" / f"{index}.png")
    with pytest.raises(DataError) as caught:
        load(spec)
    lines = str(caught.value).splitlines()
    named = [line.partition(" ")[0].removeprefix(f"{root}/") for line in lines[:4]]
    assert (named[0], sorted(named)) == ("b/notes.txt", ["a/1.png", "a/2.png", "b/3.png", "b/notes.txt"])
    assert "(56 of 4×6, 2 of 9×9)" in lines[3]
    assert lines[4] == "(4 mistakes in all)"
    for index in range(5, 30):
        (root / "a" / f"{index}.png").write_bytes(b"rubbish")
    with pytest.raises(DataError, match=r"and 9 more \(29 mistakes in all\)$") as caught:
        load(spec)
    assert len(str(caught.value).splitlines()) == 21


def test_a_mistake_made_after_the_cache_was_built_is_seen(tmp_path: Path) -> None:
    spec = folder(tmp_path, {"a": noise_of(0), "b": noise_of(1)})
    load(spec)
    (tmp_path / "own" / "a" / "notes.txt").write_text("")
    with pytest.raises(DataError, match=r"notes\.txt is not an image"):
        load(spec)


def test_another_policy_is_another_entry_of_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trainables.datasets.cache.node_cache import key_of
    from trainables.datasets.config import parse_spec
    from trainables.datasets.finding import find_source

    spec = parse_spec(folder(tmp_path, {"a": noise_of(0), "b": noise_of(1)}))
    assert not isinstance(spec, str)
    before = key_of(spec, find_source(spec))
    monkeypatch.setattr("trainables.datasets.cache.node_cache.POLICY", 99)
    assert key_of(spec, find_source(spec)) != before
