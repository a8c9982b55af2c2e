"""Write images one by one into an Arrow file for each split, with contiguous pixels, to be mapped.

Pixels first go to a scratch file, because shape and number of channels are known only once images have been seen.
"""

from __future__ import annotations

import mmap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from trainables.datasets.decoding.images import Decoded, Decoding, from_pixels, read, resize
from trainables.datasets.decoding.masks import decode_mask, resize_mask
from trainables.datasets.decoding.plausibility import Tally
from trainables.datasets.decoding.tiles import Piece, cut, no_damage
from trainables.datasets.errors import DataError, Mistakes
from trainables.datasets.sampling.group_names import numbered_groups
from trainables.datasets.sources import Contents, Sample, SplitName

PROMOTED_AT_ONCE = 256
"""Grey images that are turned into RGB together."""


class _Scratch:
    """The raw pixels and masks of one split; once an image has a mask, there is space for every image's mask."""

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
        """Add an image (C, H, W) and its mask (H, W) that belong to `group`."""
        self.pixels.write(pixels.tobytes())
        if mask is not None:
            self.masks.seek(self.count * mask.size)  # skipped bytes read as zeros
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
            del columns, batch  # before the maps that contain them


def _mapped_column(file: Any, count: int, width: int, stack: ExitStack) -> Any:
    """A column of `count` fixed-size values in a file, not in memory."""
    import pyarrow as pa

    file.flush()
    mapped = mmap.mmap(file.fileno(), count * width, access=mmap.ACCESS_READ)
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), count, [None, pa.py_buffer(mapped)])


@contextmanager
def _scratches(folder: Path, splits: Iterable[SplitName]) -> Iterator[dict[SplitName, _Scratch]]:
    with ExitStack() as stack:
        yield {split: _Scratch(folder / f"{split}.arrow", stack) for split in splits}
    for split in splits:
        for ending in (".pixels", ".masks", ".rgb"):
            (folder / f"{split}{ending}").unlink(missing_ok=True)


@dataclass
class _Sizes:
    """The sizes (H, W) of images, with the first image of each."""

    counts: Counter[tuple[int, int]] = field(default_factory=Counter)
    first: dict[tuple[int, int], str] = field(default_factory=dict)

    def see(self, size: tuple[int, int], where: str) -> bool:
        """Count a size; whether it is that of the first image."""
        self.counts[size] += 1
        self.first.setdefault(size, where)
        return size == self.size

    @property
    def size(self) -> tuple[int, int]:
        """The size of the first image."""
        return next(iter(self.first))

    def mistakes(self) -> Iterator[str]:
        if len(self.first) < 2:
            return
        height, width = self.size
        (other, where), *_ = [pair for pair in self.first.items() if pair[0] != self.size]
        common = ", ".join(f"{count:,} of {h}×{w}" for (h, w), count in self.counts.most_common(5))
        more = f", and {len(self.counts) - 5:,} more sizes" if len(self.counts) > 5 else ""
        yield (
            f"{where} has {other[0]}×{other[1]} pixels, and {self.first[self.size]} {height}×{width}; "
            f"add `size: {min(height, width)}` (or `size: [height, width]`) to the dataset to resize all "
            f"({common}{more})"
        )


def write_splits(
    folder: Path,
    contents: Contents,
    size: tuple[int, int] | None,
    tile: int | None,
    tell: Callable[[int], None],
    decoding: Decoding,
    tally: Tally,
) -> tuple[int, int, int]:
    """Write `train.arrow`, `test.arrow`, … to `folder`; returns (C, H, W), C is 1 when all images are grey, else 3.

    Images are first cut into tiles of `tile` × `tile`, then resized to `size` (H, W), if given. `tell` is called with
    the number of written images, `tally` with the images. Raises `DataError` naming every invalid image.
    """
    mistakes, sizes = Mistakes(contents.mistakes), _Sizes()
    mode = "L"
    written_images = dict.fromkeys(contents.labels, 0)
    groups = numbered_groups(contents.groups)
    with _scratches(folder, contents.labels) as scratches:
        for index, sample in enumerate(contents.samples):
            number, labels = written_images[sample.split], contents.labels[sample.split]
            written_images[sample.split] += 1
            if number >= len(labels):
                continue  # counted below
            group = groups[sample.split][number] if sample.split in groups else number
            with mistakes.noted():
                for piece in _pieces(sample, int(labels[number]), contents, tile, decoding, tally):
                    fitting = resize(piece.image, size)
                    if not sizes.see((fitting.height, fitting.width), sample.where) or mistakes:
                        continue  # it is refused at the end
                    if mode == "L" and fitting.mode == "RGB":
                        mode = "RGB"
                        for scratch in scratches.values():
                            scratch.promote(fitting.height * fitting.width)
                    pixels = _channels_first(fitting, mode)
                    mask = None if piece.mask is None else np.asarray(resize_mask(piece.mask, size))
                    scratches[sample.split].append(pixels, mask, piece.label, group)
                    tally.see_stored(sample.split, piece.label, pixels, mask)
            tell(index + 1)
        for message in (*sizes.mistakes(), *_miscounted(contents, written_images, sizes)):
            mistakes.add(message)
        mistakes.raise_any()
        for split, scratch in scratches.items():
            if tile is not None and not scratch.count:
                raise DataError(f"no {split} image gives a tile of {tile}×{tile} whose class follows from its mask")
        for split, scratch in scratches.items():
            scratch.write_arrow((len(mode), *sizes.size), grouped=tile is not None or split in groups)
    return len(mode), *sizes.size


def _channels_first(image: Image.Image, mode: str) -> np.ndarray[Any, Any]:
    """Pixels (C, H, W) in `mode`."""
    return np.asarray(image.convert(mode)).reshape(image.height, image.width, len(mode)).transpose(2, 0, 1)


def _miscounted(contents: Contents, written_images: Mapping[SplitName, int], sizes: _Sizes) -> Iterator[str]:
    for split, labels in contents.labels.items():
        if written_images[split] != len(labels):
            first = next(iter(sizes.first.values()), split)
            yield f"{first.partition(',')[0]}: {len(labels)} labels, {written_images[split]} images"


def _pieces(
    sample: Sample, label: int, contents: Contents, tile: int | None, decoding: Decoding, tally: Tally
) -> Iterator[Piece]:
    """An image's tiles, or the image itself if it isn't cut."""
    if sample.image is None:
        raise DataError(f"{sample.where} has no image: its bytes are null (a path alone isn't followed)")
    if isinstance(sample.image, bytes):
        decoded = read(sample.image, sample.where, decoding)
        tally.see(decoded, sample.where)
    else:
        decoded = Decoded(from_pixels(sample.image))
    image = decoded.image
    mask = None if sample.mask is None else decode_mask(sample.mask, sample.where, decoded)
    if tile is None:
        yield Piece(image, mask, label)
        return
    if contents.masked and mask is None:
        mask = Image.new("L", image.size)
    if contents.undamaged_first and label and mask is not None and no_damage(mask):
        return  # it is damaged, but its mask doesn't show where
    yield from cut(image, mask, label, tile, sample.where)
