"""Images, one after the other, into an Arrow file for each split, with the pixels in one piece, to be mapped.

Pixels first go to a scratch file, because shape and number of channels are known only once images have been seen.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from trainables.datasets.errors import DataError
from trainables.datasets.images import decode, decode_mask, from_pixels, resize
from trainables.datasets.sources import SPLITS, Sample, SplitName

PROMOTED_AT_ONCE = 256
"""Grey images that are turned into RGB at once."""


class _Scratch:
    """The pixels and masks of one split, raw; masks have a place for every image as soon as one has one."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self.path = path
        self.pixels = stack.enter_context(path.with_suffix(".pixels").open("w+b"))
        self.masks = stack.enter_context(path.with_suffix(".masks").open("w+b"))
        self.count = 0
        self.masked = False
        self._stack = stack

    def append(self, pixels: np.ndarray[Any, Any], mask: np.ndarray[Any, Any] | None) -> None:
        """Add an image (C, H, W) and its mask (H, W)."""
        self.pixels.write(pixels.tobytes())
        if mask is not None:
            self.masks.seek(self.count * mask.size)  # what is left out reads as zeros
            self.masks.write(mask.tobytes())
            self.masked = True
        self.count += 1

    def promote(self, area: int) -> None:
        """Turn grey images of `area` pixels into RGB ones."""
        grey, path = self.pixels, self.path.with_suffix(".rgb")
        self.pixels = self._stack.enter_context(path.open("w+b"))
        grey.seek(0)
        while chunk := grey.read(PROMOTED_AT_ONCE * area):
            self.pixels.write(np.frombuffer(chunk, np.uint8).reshape(-1, 1, area).repeat(3, axis=1).tobytes())
        grey.truncate(0)

    def write_arrow(self, labels: Tensor, shape: tuple[int, int, int]) -> None:
        """Write the split: columns `pixels` (C·H·W bytes), `label`, and `mask` (H·W bytes) where there are masks."""
        import pyarrow as pa

        channels, height, width = shape
        with ExitStack() as stack:
            columns = {
                "pixels": _mapped_column(self.pixels, self.count, channels * height * width, stack),
                "label": pa.array(labels.numpy(), pa.int64()),
            }
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
    samples: Iterator[Sample],
    labels: Mapping[SplitName, Tensor],
    size: tuple[int, int] | None,
    tell: Callable[[int], None],
) -> tuple[int, int, int]:
    """Write `train.arrow` and `test.arrow` to `folder`; returns (C, H, W), C is 1 when all images are grey, else 3.

    Images are resized to `size` (H, W) if given. `tell` hears how many are done. Raises `DataError` naming the image.
    """
    shape: tuple[int, int] | None = None
    first = ""
    mode = "L"
    with _scratches(folder) as scratches:
        for index, sample in enumerate(samples):
            image = decode(sample.image, sample.where) if isinstance(sample.image, bytes) else from_pixels(sample.image)
            fitting = resize(image, size)
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
            mask = None if sample.mask is None else decode_mask(sample.mask, sample.where, image, size)
            scratches[sample.split].append(pixels, None if mask is None else np.asarray(mask))
            tell(index + 1)
        assert shape is not None
        for split, scratch in scratches.items():
            if scratch.count != len(labels[split]):
                raise DataError(f"{first.partition(',')[0]}: {len(labels[split])} labels, {scratch.count} images")
            scratch.write_arrow(labels[split], (len(mode), *shape))
    return len(mode), *shape
