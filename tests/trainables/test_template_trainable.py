"""The README's template: short, sound, and installable as a package of its own."""

from __future__ import annotations

import importlib.util
import math
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from saddle_contracts.trainable import TrainableContract
from trainables.contract import Diverged, InProcessRun, Trainable

TEMPLATE = Path(__file__).parents[1] / "template"


def import_template() -> ModuleType:
    spec = importlib.util.spec_from_file_location("my_method", TEMPLATE / "my_method.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MY_METHOD = import_template()


class TestTemplate(TrainableContract):
    trainable: ClassVar[Any] = MY_METHOD
    config: ClassVar = {"epochs": 3}


def test_it_is_short_and_whole() -> None:
    assert len((TEMPLATE / "my_method.py").read_text().splitlines()) < 60
    assert isinstance(MY_METHOD, Trainable)


def test_it_learns() -> None:
    config, run = MY_METHOD.Config(), InProcessRun()
    *_, last = MY_METHOD.train(config, run)
    assert MY_METHOD.evaluate(config, last.state, run).metrics["test/clean_accuracy"] > 0.9


def test_it_says_when_it_diverges() -> None:
    class Poisoned(InProcessRun):
        def mean(self, value: float) -> float:
            return math.nan

    with pytest.raises(Diverged, match="train/loss is nan"):
        list(MY_METHOD.train(MY_METHOD.Config(), Poisoned()))


def test_it_installs_with_its_entry_point(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77", reason="building a package needs setuptools")
    # a copy, because building leaves its traces beside the source
    source = shutil.copytree(TEMPLATE, tmp_path / "source", ignore=shutil.ignore_patterns("__pycache__"))
    target = tmp_path / "site"
    code = (
        "import os, sys; from setuptools import build_meta; os.chdir(sys.argv[1]); print(build_meta.build_wheel('.'))"
    )
    subprocess.run([sys.executable, "-c", code, str(source)], check=True, capture_output=True)
    (wheel,) = source.glob("*.whl")
    shutil.unpack_archive(wheel, target, format="zip")
    (distribution,) = distributions(path=[str(target)])
    (entry,) = [entry for entry in distribution.entry_points if entry.group == "saddle.trainables"]
    assert (entry.name, entry.value) == ("my_method", "my_method")
    assert (target / "my_method.py").is_file()
