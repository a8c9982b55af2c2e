"""Images in folders of classes, listed before they are opened. Imports no torch until they are read."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from trainables.datasets.errors import DataError
from trainables.datasets.files.locations import File
from trainables.datasets.formats.layout import ENDINGS
from trainables.datasets.sampling.group_names import crossing, known_groups, numbered_groups
from trainables.datasets.sources import SPLITS, Contents, GroupName, Sample, SplitName

__all__ = ["ENDINGS", "FolderSource", "Listed", "split_fixed"]

SPLIT_SEED = 20261121
"""Seed of the fixed 80/20 split of a folder without splits."""
TEST_SHARE = 0.2
AHEAD = 16
"""Files that are read concurrently: each waits for the server, not for this machine."""


@dataclass(frozen=True)
class Listed:
    """An image that has been found but not opened."""

    file: File
    label: int
    split: SplitName
    group: GroupName | None = None
    """The group that it shares with other images, such as the track of a video's frames."""


@dataclass(frozen=True)
class FolderSource:
    """Class folders whose images have been listed."""

    name: str
    classes: tuple[str, ...]
    images: tuple[Listed, ...]
    mistakes: tuple[str, ...] = ()
    """Files among the images that shouldn't be there, reported together with the images' mistakes."""
    origins: Mapping[SplitName, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def files(self) -> list[tuple[str, File]]:
        return [(f"{image.split} {self.classes[image.label]}", image.file) for image in self.images]

    def count(self) -> dict[SplitName, int]:
        """How many images each split has."""
        return {split: sum(image.split == split for image in self.images) for split in SPLITS}

    def contents(self) -> Contents:
        import torch

        splits = dict.fromkeys([*SPLITS, *(image.split for image in self.images)])
        labels = {
            split: torch.tensor([image.label for image in self.images if image.split == split], dtype=torch.int64)
            for split in splits
        }
        groups = known_groups(
            {split: [image.group for image in self.images if image.split == split] for split in splits}
        )
        return Contents(
            self.classes,
            labels,
            self._samples(),
            mistakes=self.mistakes,
            origins=self.origins,
            groups=groups,
            remarks=(*self.remarks, *crossing(groups)),
        )

    def _samples(self) -> Iterator[Sample]:
        waiting: deque[tuple[Listed, Future[bytes]]] = deque()
        with ThreadPoolExecutor(AHEAD, thread_name_prefix="images") as pool:
            try:
                for image in self.images:
                    waiting.append((image, pool.submit(image.file.read)))
                    if len(waiting) > AHEAD:
                        yield _sample(*waiting.popleft())
                while waiting:
                    yield _sample(*waiting.popleft())
            finally:
                for _, future in waiting:
                    future.cancel()


def _sample(image: Listed, content: Future[bytes]) -> Sample:
    return Sample(image.split, str(image.file), content.result())


def split_fixed(labels: Sequence[int], root: str, groups: Sequence[GroupName | None] = ()) -> list[SplitName]:
    """The split of each image if the folder has no splits, 80/20 by class; `root` names them in errors.

    Images of one of the `groups` are in one split.
    """
    if len(labels) < 2:
        raise DataError(f"{root} has a single image, too few to split into training and test images")
    import torch

    from trainables.datasets.dataset import stratified_order

    if any(group is not None for group in groups):
        from trainables.datasets.sampling.grouping import cut_by_class, cut_by_group, of_one_class

        of, numbers = torch.tensor(labels), torch.tensor(numbered_groups({"train": groups})["train"])
        cut = cut_by_class if of_one_class(of, numbers) else cut_by_group
        held_out = set(cut(of, numbers, TEST_SHARE, SPLIT_SEED)[0].tolist())
        return ["test" if index in held_out else "train" for index in range(len(labels))]
    order = stratified_order(torch.tensor(labels), SPLIT_SEED)
    tests = set(order[: max(1, round(TEST_SHARE * len(order)))].tolist())
    return ["test" if index in tests else "train" for index in range(len(labels))]
