"""The registry of known datasets: each is in one file, and says nothing that the rest of the tree can't use."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

from trainables.adversarial_training.scales import Quick, quick_of, usual_quick
from trainables.adversarial_training.settings.network import Network
from trainables.datasets import KNOWN
from trainables.datasets import known as folder
from trainables.datasets.attack_budget import PHOTOGRAPHS, usual_budget
from trainables.datasets.known_dataset import KnownDataset
from trainables.discovery import discover


def test_every_file_of_the_folder_is_read() -> None:
    files = {path.stem for path in Path(folder.__path__[0]).glob("*.py")} - {"__init__"}
    assert files <= {*KNOWN} | {"synthetic_cracks"}
    assert {*KNOWN} - files == {"synthetic_cracks_cluttered"}, "drawn by the program of synthetic_cracks"
    assert all(name == known.name for name, known in KNOWN.items())


@pytest.mark.parametrize("known", KNOWN.values(), ids=list(KNOWN))
def test_what_a_dataset_says_can_be_used(known: KnownDataset) -> None:
    assert {*(known.quick or {})} <= {field.name for field in fields(Quick)}
    assert known.network is None or known.network in get_args(Network)
    assert known.find is not None or known.parquet is not None, "else it is nowhere to be found"
    assert known.bundled or known.downloads or known.what_goes_there, "else nobody can get it"
    assert known.tasks is None or known.tasks.classes == known.facts.classes


def test_a_dataset_that_states_nothing_has_what_its_shape_says() -> None:
    assert usual_budget((1, 28, 28)).epsilon == 0.1
    assert usual_budget((3, 32, 32)) == usual_budget((1, 64, 64)) == PHOTOGRAPHS
    assert (usual_quick((1, 28, 28)).width, usual_quick((1, 28, 28)).image_size) == (2, None)
    assert usual_quick((3, 32, 32)).image_size == 16
    assert usual_quick((3, 224, 224)).image_size == 20
    assert usual_quick((1, 8, 8)) == quick_of(None) == Quick()


@pytest.mark.parametrize(
    ("name", "epsilon", "image_size", "train_size", "width"),
    [
        ("mnist", 0.3, None, 5_000, 2),
        ("fashion_mnist", 0.1, None, 5_000, 2),
        ("svhn", 8 / 255, 16, 8_000, 4),
        ("cifar10", 8 / 255, 16, 8_000, 4),
        ("gtsrb", 8 / 255, 20, 3_000, 4),
        ("tiny_imagenet", 8 / 255, 20, 6_000, 4),
        ("digits", 0.15, None, None, 4),
        ("crackforest", 8 / 255, None, 5_000, 4),
        ("casc_ifw", 8 / 255, None, 5_000, 4),
    ],
)
def test_stored_studies_keep_their_defaults(
    name: str, epsilon: float, image_size: int | None, train_size: int | None, width: int
) -> None:
    quick = quick_of(name)
    assert KNOWN[name].budget.epsilon == epsilon
    assert (quick.image_size, quick.train_size, quick.width) == (image_size, train_size, width)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A package `registered` of one file with a dataset."""
    home = tmp_path / "registered"
    home.mkdir()
    (home / "__init__.py").touch()
    shutil.copy(Path(folder.__path__[0]) / "crackforest.py", home / "crackforest.py")
    monkeypatch.syspath_prepend(tmp_path)
    yield __import__("registered")
    for name in [name for name in sys.modules if name.partition(".")[0] == "registered"]:
        del sys.modules[name]


def test_a_file_is_an_entry(package: ModuleType) -> None:
    assert list(discover(package, KnownDataset)) == ["crackforest"]


def test_a_file_without_an_entry_is_said(package: ModuleType) -> None:
    (Path(package.__path__[0]) / "empty.py").write_text("from trainables.datasets.known_dataset import KnownDataset\n")
    with pytest.raises(TypeError, match=r"registered\.empty has no KnownDataset at its top level"):
        discover(package, KnownDataset)


def test_two_entries_of_one_name_are_said(package: ModuleType) -> None:
    home = Path(package.__path__[0])
    shutil.copy(home / "crackforest.py", home / "double.py")
    with pytest.raises(TypeError, match=r"registered\.double has a KnownDataset 'crackforest', and so has another"):
        discover(package, KnownDataset)
