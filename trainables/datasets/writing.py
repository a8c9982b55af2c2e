"""Images, one after the other, into an Arrow file for each split, with the pixels in one piece, to be mapped.

Pixels first go to a scratch file, because shape and number of channels are known only once images have been seen.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from trainables.datasets.errors import DataError
from trainables.datasets.images import decode, decode_mask, from_pixels, resize, resize_mask
from trainables.datasets.sources import SPLITS, Contents, Sample, SplitName
from trainables.datasets.tiles import Piece, cut, no_damage

PROMOTED_AT_ONCE = 256
"""Grey images that are turned into RGB at once."""


class _Scratch:
    """The pixels and masks of one split, raw; masks have a place for every image as soon as one has one."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self.path = path
        self.pixels = stack.enter_context(path.with_suffix(".pixels").open("w+b"))
        self.masks = stack.enter_context(path.with_suffix(".masks").open("w+b"))
        self.labels: list[int] = []
        self.groups: list[int] = []
        self.masked = False
        self._stack = stack

    @property
    def count(self) -> int:
        return len(self.labels)

    def append(self, pixels: np.ndarray[Any, Any], mask: np.ndarray[Any, Any] | None, label: int, group: int) -> None:
        """Add an image (C, H, W) and its mask (H, W), cut from the split's image number `group`."""
        self.pixels.write(pixels.tobytes())
        if mask is not None:
            self.masks.seek(self.count * mask.size)  # what is left out reads as zeros
            self.masks.write(mask.tobytes())
            self.masked = True
        self.labels.append(label)
        self.groups.append(group)

    def promote(self, area: int) -> None:
        """Turn grey images of `area` pixels into RGB ones."""
        grey, path = self.pixels, self.path.with_suffix(".rgb")
        self.pixels = self._stack.enter_context(path.open("w+b"))
        grey.seek(0)
        while chunk := grey.read(PROMOTED_AT_ONCE * area):
            self.pixels.write(np.frombuffer(chunk, np.uint8).reshape(-1, 1, area).repeat(3, axis=1).tobytes())
        grey.truncate(0)

    def write_arrow(self, shape: tuple[int, int, int], *, grouped: bool) -> None:
        """Write the split: columns `pixels` (C·H·W bytes), `label`, `group` if wanted, `mask` (H·W bytes) if any."""
        import pyarrow as pa

        channels, height, width = shape
        with ExitStack() as stack:
            columns = {
                "pixels": _mapped_column(self.pixels, self.count, channels * height * width, stack),
                "label": pa.array(self.labels, pa.int64()),
            }
            if grouped:
                columns["group"] = pa.array(self.groups, pa.int64())
            if self.masked:
                self.masks.truncate(self.count * height * width)
                columns["mask"] = _mapped_column(self.masks, self.count, height * width, stack)
            batch = pa.RecordBatch.from_pydict(columns)
            with pa.OSFile(str(self.path), "wb") as out, pa.ipc.new_file(out, batch.schema) as writer:
                writer.write_batch(batch)
            del columns, batch  # before the maps that they lie in


def _mapped_column(file: Any, count: int, width: int, stack: ExitStack) -> Any:
    """A column of `count` fixed-size values that lie in a file, not in memory."""
    import pyarrow as pa

    file.flush()
    mapped = mmap.mmap(file.fileno(), count * width, access=mmap.ACCESS_READ)
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), count, [None, pa.py_buffer(mapped)])


@contextmanager
def _scratches(folder: Path) -> Iterator[dict[SplitName, _Scratch]]:
    with ExitStack() as stack:
        scratches = {split: _Scratch(folder / f"{split}.arrow", stack) for split in SPLITS}
        yield scratches
    for split in SPLITS:
        for ending in (".pixels", ".masks", ".rgb"):
            (folder / f"{split}{ending}").unlink(missing_ok=True)


def write_splits(
    folder: Path,
    contents: Contents,
    size: tuple[int, int] | None,
    tile: int | None,
    tell: Callable[[int], None],
) -> tuple[int, int, int]:
    """Write `train.arrow` and `test.arrow` to `folder`; returns (C, H, W), C is 1 when all images are grey, else 3.

    Images are first cut into tiles of `tile` × `tile`, then resized to `size` (H, W), if given. `tell` hears how many
    images are done. Raises `DataError` naming the image.
    """
    shape: tuple[int, int] | None = None
    first = ""
    mode = "L"
    taken = dict.fromkeys(SPLITS, 0)
    with _scratches(folder) as scratches:
        for index, sample in enumerate(contents.samples):
            number, labels = taken[sample.split], contents.labels[sample.split]
            taken[sample.split] += 1
            if number >= len(labels):
                continue  # counted below
            for piece in _pieces(sample, int(labels[number]), contents, tile):
                fitting = resize(piece.image, size)
                height, width = fitting.height, fitting.width
                if shape is None:
                    shape, first = (height, width), sample.where
                if (height, width) != shape:
                    raise DataError(
                        f"{sample.where} has {height}×{width} pixels, and {first} {shape[0]}×{shape[1]}; "
                        f"add `size: {min(shape)}` (or `size: [height, width]`) to the dataset to resize all"
                    )
                if mode == "L" and fitting.mode == "RGB":
                    mode = "RGB"
                    for scratch in scratches.values():
                        scratch.promote(height * width)
                pixels = np.asarray(fitting.convert(mode)).reshape(height, width, len(mode)).transpose(2, 0, 1)
                mask = None if piece.mask is None else np.asarray(resize_mask(piece.mask, size))
                scratches[sample.split].append(pixels, mask, piece.label, number)
            tell(index + 1)
        for split, scratch in scratches.items():
            if taken[split] != len(contents.labels[split]):
                raise DataError(
                    f"{first.partition(',')[0]}: {len(contents.labels[split])} labels, {taken[split]} images"
                )
            if tile is not None and not scratch.count:
                raise DataError(f"no {split} image gives a tile of {tile}×{tile} whose class its mask tells")
        assert shape is not None
        for scratch in scratches.values():
            scratch.write_arrow((len(mode), *shape), grouped=tile is not None)
    return len(mode), *shape


def _pieces(sample: Sample, label: int, contents: Contents, tile: int | None) -> Iterator[Piece]:
    """An image's tiles, or the image itself where it isn't to be cut."""
    image = decode(sample.image, sample.where) if isinstance(sample.image, bytes) else from_pixels(sample.image)
    mask = None if sample.mask is None else decode_mask(sample.mask, sample.where, image)
    if tile is None:
        yield Piece(image, mask, label)
        return
    if contents.masked and mask is None:
        mask = Image.new("L", image.size)
    if contents.undamaged_first and label and mask is not None and no_damage(mask):
        return  # it is damaged, its mask doesn't say where
    yield from cut(image, mask, label, tile, sample.where)
