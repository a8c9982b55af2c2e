"""The store in a bucket of a real server, SeaweedFS: the contract, and its conditions as docs/cluster.md has them."""

from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from saddle.errors import StorageError
from saddle.store.base import Conflict
from saddle.store.open import open_store
from saddle.store.ownership.lock import lock_study
from saddle.store.s3 import conditions
from saddle.store.s3.store import S3Store
from saddle.trial.run_id import RunId
from saddle_contracts.store import StoreContract
from tests.support.infra_tools import ROOT, program
from tests.support.s3 import S3

WRITERS = 32

pytestmark = pytest.mark.long


class TestS3StoreOnSeaweedFS(StoreContract):
    @pytest.fixture
    def store(self, real_s3: S3) -> S3Store:
        return S3Store(real_s3.bucket(), "team/night")


def test_it_keeps_the_conditions_for_32_writers_as_the_page_says(real_s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions, "WRITERS", WRITERS)
    store = open_store(f"s3://{real_s3.bucket()}/studies", create=False)
    assert isinstance(store, S3Store)
    assert "SeaweedFS" in conditions.check_conditions(store)
    version = subprocess.run([program("weed"), "version"], capture_output=True, text=True, timeout=60, check=True)
    page = (ROOT / "docs/cluster.md").read_text()
    written = re.search(rf"SeaweedFS (\d+\.\d+) \| works with {WRITERS} concurrent writers", page)
    assert written is not None, "the page has no such verdict"
    assert f" {written[1]} " in version.stdout, "the page names another version than the one that was tried"


def test_of_32_writers_that_replace_one_blob_each_time_just_one_does(real_s3: S3) -> None:
    """Contents differ from all before: an ETag is that of the content, which an earlier one would bring back."""
    store = S3Store(real_s3.bucket(), "p")
    etag = store.write_if("x", b"first", None)

    def replace(content: str) -> str | None:
        try:
            return store.write_if("x", content.encode(), etag)
        except Conflict:
            return None

    for turn in range(5):
        with ThreadPoolExecutor(WRITERS) as pool:
            written = list(pool.map(replace, [f"turn {turn} writer {number}" for number in range(WRITERS)]))
        [won] = [new for new in written if new is not None]
        assert store.etag("x") == won
        etag = won


def test_two_drivers_of_one_study_are_told_apart(real_s3: S3) -> None:
    first, second = (S3Store(real_s3.bucket("two-drivers"), "p") for _ in range(2))
    with lock_study(first, RunId("one")) as lock:
        lock.check()
        with pytest.raises(StorageError, match="is running one"), lock_study(second, RunId("one")):
            pass
    with lock_study(second, RunId("one")) as lock:
        lock.check()
