"""Studies named by their URL."""

from __future__ import annotations

import json
import re
import threading

import pytest

from saddle.archive.studies import study_names
from saddle.archive.study_url import open_named
from saddle.errors import StorageError
from saddle.store.ledger.ledger import Ledger
from saddle.store.open import open_store
from saddle.store.s3.store import S3Store
from saddle.trial.run_id import RunId
from tests.support.faulty_proxy import FaultyProxy, Request
from tests.support.records import changed, make_record
from tests.support.s3 import S3


def put_study(url: str, study: str) -> None:
    store = open_store(url)
    store.write(f"studies/{study}/study.yaml", b"study: x")
    store.write(f"studies/{study}/instance.json", json.dumps({"instance": "i", "baseline": None}).encode())


@pytest.mark.parametrize("prefix", ["", "/team", "/team/studies"])
@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("{url}/digits", "digits"),
        ("{url}/digits/", "digits"),
        ("{url}/studies/digits", "digits"),
        ("{url}/digits/trial-00003", "digits/trial-00003"),
        ("{url}/studies/digits/trial-00003", "digits/trial-00003"),
    ],
)
def test_a_url_names_storage_study_and_trial(s3: S3, prefix: str, given: str, name: str) -> None:
    url = f"s3://{s3.bucket()}{prefix}"
    put_study(url, "digits")
    store, found = open_named(given.format(url=url), "somewhere/else")
    assert (store.url, found) == (url, name)


def test_a_study_that_is_not_there_is_looked_for_right_above_it(s3: S3) -> None:
    url = f"s3://{s3.bucket()}/team"
    for given in (f"{url}/nothing", f"{url}/studies/nothing"):
        store, found = open_named(given)
        assert (store.url, found) == (url, "nothing")


def test_any_other_name_is_of_the_storage_given(s3: S3) -> None:
    url = f"s3://{s3.bucket()}/p"
    store, found = open_named("digits/trial-00001", url)
    assert (store.url, found) == (url, "digits/trial-00001")
    with pytest.raises(StorageError, match="did you mean s3://"):
        open_named("s4://bucket/digits")


def is_blob(request: Request) -> bool:
    """Whether it is about one record or study, and lists nothing."""
    return "?" not in request.path and re.search(r"/(trial|study)-\d", request.path) is not None


def test_many_blobs_are_read_at_once(s3: S3, s3_proxy: FaultyProxy) -> None:
    store = S3Store(s3.bucket(), "p")
    entry = make_record("k", "s", 0, "completed", {}, {}, {})
    for number in range(16):
        Ledger(store, RunId("s")).add(changed(entry, key=f"trial-{number:05d}", number=number))
        put_study(store.url, f"study-{number:02d}")
    s3_proxy.requests.clear()
    together = threading.Barrier(8)  # none of eight is answered before all of them have been asked for

    def plan(request: Request) -> None:
        if is_blob(request):
            together.wait(60)

    s3_proxy.plan = plan
    assert [e.number for e in Ledger(store, RunId("s")).entries()] == list(range(16))
    assert study_names(store) == [f"study-{number:02d}" for number in range(16)]
    assert len(s3_proxy.requests) == 2 * 17 + 4, (
        "a listing each, three of what is beside it, and a request for each blob"
    )
