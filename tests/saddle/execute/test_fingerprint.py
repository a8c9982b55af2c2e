"""What a result is said to rest on is what it was made of."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from saddle.execute.fingerprint import fingerprint_data
from trainables.datasets.config import NamedDataset


class Run:
    """Notes which dataset is asked for."""

    def data(self, spec: Any) -> Any:
        self.asked = spec
        return SimpleNamespace(name="crackforest", fingerprint="abc", classes=("no crack", "crack"))


def test_the_checksum_is_of_the_tiles_and_the_size_that_were_trained_on() -> None:
    run = Run()
    config = SimpleNamespace(dataset="crackforest", tile_size=96, image_size=32)
    assert fingerprint_data(config, run) == {"dataset": "crackforest", "data": "abc", "classes": 2}
    assert run.asked == NamedDataset(known="crackforest", tile=96, size=32)


def test_a_configuration_without_a_dataset_has_none() -> None:
    assert fingerprint_data(SimpleNamespace(x=0.5), Run()) == {}
