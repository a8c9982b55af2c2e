"""Images of one's own on S3 and in the node's cache, as the command line shows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.s3 import S3
from tests.trainables.datasets.encoding import noise, write_parquet
from trainables.datasets import load


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SADDLE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "datasets"


def test_the_cache_is_listed_and_cleared(saddle: Any, tmp_path: Path, own_cache: Path) -> None:
    assert f"the cache {own_cache} is empty" in saddle("data", "cache").stdout
    path = str(write_parquet(tmp_path / "letters.parquet", noise(9)))
    held = load({"parquet": {"train": path, "test": path}})
    [row] = json.loads(saddle("data", "cache", "--json").stdout)
    assert (row["name"], row["images"], row["shape"], row["in_use"]) == ("letters", 18, [1, 8, 6], True)
    assert row["source"]["parquet"]["train"] == path
    assert "removed 0 of 1" in saddle("data", "cache", "--clear").stdout
    shown = saddle("data", "cache").stdout
    assert "letters" in shown
    assert "GB it may have" in shown
    assert held.train.images.numel()
    del held
    assert "removed 1 of 1" in saddle("data", "cache", "--clear").stdout
    assert json.loads(saddle("data", "cache", "--json").stdout) == []


def test_images_on_s3_are_described(saddle: Any, tmp_path: Path, own_cache: Path, s3: S3) -> None:
    bucket = s3.bucket()
    s3.client().upload_file(str(write_parquet(tmp_path / "a.parquet", noise(9))), bucket, "a.parquet")
    address = f"s3://{bucket}/a.parquet"
    described = saddle("data", "stats", "--parquet", address, address, "--size", "5", "--json")
    assert (json.loads(described.stdout)["shape"], json.loads(described.stdout)["train"]) == ([1, 5, 5], 9)
    absent = saddle("data", "stats", f"s3://{bucket}/nowhere")
    assert absent.exit_code == 2
    assert f"dataset folder s3://{bucket}/nowhere does not exist" in absent.stderr
