"""At which size images are trained on: the dataset's own, the paper's, or the configuration's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from trainables import adversarial_training
from trainables.adversarial_training import Config
from trainables.adversarial_training.data import splits
from trainables.adversarial_training.defaults import defaults
from trainables.contract import InProcessRun
from trainables.datasets.config import NamedDataset, dataset_of


def test_image_size_resizes_whatever_the_dataset_is(tmp_path: Path) -> None:
    config = Config(dataset="digits", image_size=12, tasks=["odd_even"])
    assert dataset_of(config) == NamedDataset(known="digits", size=12)
    assert dataset_of(Config(dataset="digits")) == "digits"
    run = InProcessRun()
    found = splits(config, run.data(dataset_of(config)), torch.device("cpu"))
    assert found.shape == (1, 12, 12)
    adversarial_training.check(config, run)


def test_gtsrb_has_the_papers_size_unless_it_has_one_of_its_own() -> None:
    assert defaults({"dataset": "gtsrb"}, None, "full")["image_size"].value == 112
    assert defaults({"dataset": {"known": "gtsrb", "size": 48}}, None, "full")["image_size"].value is None
    sized = defaults({"dataset": {"known": "gtsrb", "size": 48}}, None, "full")
    plain = defaults({"dataset": "gtsrb"}, None, "full")
    assert (sized["epsilon"], sized["network"]) == (plain["epsilon"], plain["network"])


def test_two_sizes_that_differ_are_refused() -> None:
    with pytest.raises(ValidationError, match="image_size 32 contradicts the dataset's own size 48; give one of them"):
        Config(dataset={"known": "gtsrb", "size": 48}, image_size=32)
    assert Config(dataset={"known": "gtsrb", "size": 48}, image_size=48).image_size == 48
