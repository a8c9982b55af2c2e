"""The commented files that `saddle init` writes: they are in `starter_files`, as their content is about methods."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

NAMES: Mapping[str, Mapping[str, str]] = {
    "search": {"search.yaml": "search.yaml"},
    "ablation": {"ablation.yaml": "ablation.yaml"},
    "relation": {"relation.yaml": "relation.yaml"},
    "nightly": {"nightly.yaml": "nightly.yaml"},
    "trainable": {"train.py": "train.py.txt", "study.yaml": "study.yaml"},
}
"""Of each kind, the files to write and the packaged ones that they are copies of."""


def starter(kind: str) -> dict[str, str]:
    """The texts of one kind's files, by their names."""
    folder = files("saddle.studyfile") / "starter_files"
    return {name: (folder / packaged).read_text(encoding="utf-8") for name, packaged in NAMES[kind].items()}
