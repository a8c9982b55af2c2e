"""The store in a bucket, over HTTP: the contract, and what a wire between can do to it."""

from __future__ import annotations

import contextlib
import itertools
import logging
import re
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

import saddle.store.s3.parts as parts
from saddle.errors import StorageError
from saddle.store.base import Store
from saddle.store.open import open_store
from saddle.store.s3.store import S3Store
from saddle_contracts.store import StoreContract
from tests.support.faulty_proxy import Fault, FaultyProxy, Request
from tests.support.s3 import S3, SECRET

KINDS = [Fault("answer", 503), Fault("answer", 500), Fault("reset"), Fault("truncate", keep=1), Fault("lose", 500)]


PATIENCE = 2.0
MOST_ATTEMPTS = 6
"""Pauses double from 0.05 s on at least: the first five take 1.55 s, and with the sixth it would be 3.15 s."""


class TestS3Store(StoreContract):
    @pytest.fixture
    def store(self, s3: S3) -> Store:
        return S3Store(s3.bucket())


class TestS3StoreBelowAPrefixOnAFaultyWire(StoreContract):
    @pytest.fixture
    def store(self, s3: S3, s3_proxy: FaultyProxy) -> Store:
        """A third of all requests go wrong, each kind of fault in its turn."""
        turns, kinds = itertools.count(), itertools.cycle(KINDS)
        s3_proxy.plan = lambda request: next(kinds) if next(turns) % 3 == 0 else None
        return S3Store(s3.bucket(), "team/night")


@pytest.fixture
def store(s3: S3, s3_proxy: FaultyProxy) -> S3Store:
    """An impatient store behind the proxy."""
    return S3Store(s3.bucket(), "p", patience=PATIENCE)


def test_a_truncated_answer_is_never_taken_for_the_blob(store: S3Store, s3_proxy: FaultyProxy) -> None:
    store.write("x", b"0123456789")
    s3_proxy.truncate(keep=4, times=2)
    assert store.read("x") == b"0123456789"
    s3_proxy.truncate(keep=4, times=1000)
    with pytest.raises(StorageError, match=r"reading s3://.*/p/x failed: the answer broke off"):
        store.read("x")


def test_a_blob_that_rotted_is_told_by_its_checksum(store: S3Store, s3: S3) -> None:
    store.write("x", b"0123456789")
    stored = s3.client().head_object(Bucket=store.bucket, Key="p/x")["Metadata"]
    s3.client().put_object(Bucket=store.bucket, Key="p/x", Body=b"0123456780", Metadata=stored)
    with pytest.raises(StorageError, match="differs from the stored one"):
        store.read("x")
    s3.client().put_object(Bucket=store.bucket, Key="p/x", Body=b"another program's")
    assert store.read("x") == b"another program's"


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lambda proxy: proxy.fail(1000, 503), "HTTP 503 SlowDown"),
        (lambda proxy: proxy.fail(1000, 500), "HTTP 500 InternalError"),
        (lambda proxy: proxy.reset(1000), "the connection was reset"),
        (lambda proxy: proxy.die(), "it can't be reached|connection was reset"),
        (lambda proxy: setattr(proxy, "delay", 1.5 * PATIENCE), "no answer in time"),
    ],
)
def test_what_does_not_heal_ends_soon_and_says_what_and_where(
    store: S3Store, s3_proxy: FaultyProxy, break_it: Callable[[FaultyProxy], None], told: str
) -> None:
    store.write("x", b"1")
    break_it(s3_proxy)
    with pytest.raises(
        StorageError, match=rf"writing s3://{store.bucket}/p/x failed: ({told}) \(\d+ attempts?.*{s3_proxy.url}"
    ) as failure:
        store.write("x", b"2")
    [attempts] = re.findall(r"(\d+) attempts?", str(failure.value))
    assert int(attempts) <= MOST_ATTEMPTS, "the pauses of more would take longer than the store is patient"
    s3_proxy.heal()
    assert store.read("x") in (b"1", b"2")


def test_an_endpoint_that_comes_back_in_time_costs_nothing_but_time(store: S3Store, s3_proxy: FaultyProxy) -> None:
    patient = S3Store(store.bucket, store.prefix, patience=20)
    s3_proxy.fail(3, 503)
    s3_proxy.reset(1)
    patient.write("x", b"1")
    s3_proxy.delay = 0.2
    assert patient.read("x") == b"1"


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts as small as S3 allows, and blobs that are large from there on."""
    monkeypatch.setattr(parts, "PART", 5 * 2**20)
    monkeypatch.setattr("saddle.store.s3.store.LARGE", 5 * 2**20)


LARGE = bytes(range(256)) * (11 * 2**12)  # 11 MiB: three parts


def uploads(s3: S3, bucket: str) -> int:
    return len(s3.client().list_multipart_uploads(Bucket=bucket).get("Uploads", ()))


@pytest.mark.usefixtures("small_parts")
def test_a_large_blob_goes_in_parts_over_a_faulty_wire(store: S3Store, s3: S3, s3_proxy: FaultyProxy) -> None:
    patient = S3Store(store.bucket, store.prefix, patience=20)
    s3_proxy.next(Fault("reset"), of=lambda request: "partNumber=2" in request.path)
    s3_proxy.next(Fault("lose", 500), of=completes)
    patient.write("x", LARGE)
    assert patient.read("x") == LARGE
    assert sum("partNumber" in request.path for request in s3_proxy.requests) == 4
    assert uploads(s3, store.bucket) == 0


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("stage", ["a part", "the end"])
def test_a_large_blob_that_fails_leaves_the_old_one_and_no_parts(
    store: S3Store, s3: S3, s3_proxy: FaultyProxy, stage: str
) -> None:
    store.write("x", b"old")
    concerned = completes if stage == "the end" else lambda request: "partNumber=3" in request.path
    s3_proxy.next(Fault("answer", 503), times=1000, of=concerned)
    with pytest.raises(StorageError, match=r"writing .*/p/x failed: HTTP 503"):
        store.write("x", LARGE)
    s3_proxy.heal()
    assert store.read("x") == b"old"
    assert s3.keys(store.bucket) == ["p/x"]
    assert uploads(s3, store.bucket) == 0


def completes(request: Request) -> bool:
    return request.method == "POST" and "uploadId=" in request.path


def test_a_folder_is_listed_and_deleted_a_batch_at_a_time(
    store: S3Store, s3: S3, s3_proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("saddle.store.s3.store.BATCH", 20)
    for number in range(45):
        store.write(f"f/{number:04d}", b"")
    s3_proxy.requests.clear()
    assert list(store.names("f")) == [f"{number:04d}" for number in range(45)]
    assert len(s3_proxy.requests) == 3
    store.delete("f")
    assert s3.keys(store.bucket) == []
    assert len(s3_proxy.requests) == 10, "three listings, three batches, and the folder that some servers keep"


@pytest.mark.parametrize("survived", range(9))
def test_a_move_that_was_killed_is_completed_and_nothing_is_lost(s3: S3, s3_proxy: FaultyProxy, survived: int) -> None:
    store = S3Store(s3.bucket(), "p", patience=0.2)
    for number in range(3):
        store.write(f"studies/a/{number}", str(number).encode())
    changes = (r for r in itertools.count())
    changing = ("PUT", "POST", "DELETE")
    # the driver dies after so many of its writes have reached the endpoint
    s3_proxy.plan = lambda r: Fault("reset") if r.method in changing and next(changes) >= survived else None
    with contextlib.suppress(StorageError):
        store.move("studies/a", "studies/a@old")
    s3_proxy.heal()
    everywhere = {store.read(path) for path, _ in store.blobs("studies") if "/." not in path}
    assert everywhere == {b"0", b"1", b"2"}, "something was lost on the way"
    S3Store(store.bucket, "p").finish_move("studies/a")
    halves = [list(store.names("studies/a")), list(store.names("studies/a@old"))]
    whole: list[str] = ["0", "1", "2"]
    assert halves == ([[], whole] if survived else [whole, []]), "the move was not completed"
    assert not [key for key in s3.keys(store.bucket) if "/." in key], "the note was left"


def test_the_driver_s_own_folder_goes_with_what_is_moved(store: S3Store) -> None:
    store.write("studies/a/x", b"1")
    (store.local / "studies/a").mkdir(parents=True)
    (store.local / "studies/a/optuna.journal").write_text("{}")
    store.move("studies/a", "studies/b")
    assert (store.local / "studies/b/optuna.journal").read_text() == "{}"
    assert not (store.local / "studies/a").exists()


def test_each_url_and_endpoint_has_a_folder_of_its_own_here(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SADDLE_HOME", str(tmp_path / "home"))
    folders = {S3Store("b", "p").local, S3Store("b", "q").local, S3Store("b").local}
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://name:password@127.0.0.1:1")
    folders.add(S3Store("b", "p").local)
    assert len(folders) == 4
    assert all(folder.is_relative_to(tmp_path / "home") for folder in folders)
    monkeypatch.delenv("SADDLE_HOME")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert S3Store("b").local.is_relative_to(tmp_path / "state" / "saddle")


def test_a_bucket_is_opened_once_it_can_be_written(s3: S3) -> None:
    bucket = s3.bucket()
    assert open_store(f"s3://{bucket}//a/b/").url == f"s3://{bucket}/a/b"
    assert open_store(f"s3://{bucket}").url == f"s3://{bucket}"
    assert s3.keys(bucket) == []
    with pytest.raises(StorageError, match=r"the bucket 'nobodys-bucket' does not exist at http://127.*create it"):
        open_store("s3://nobodys-bucket/p")
    with pytest.raises(StorageError, match="'nobodys-bucket' does not exist"):
        open_store("s3://nobodys-bucket/p", create=False).read("x")


def test_an_endpoint_that_refuses_us_is_said_with_the_rights_needed(s3: S3, s3_proxy: FaultyProxy) -> None:
    s3_proxy.fail(1000, 403)
    with pytest.raises(StorageError, match=r"refuses writing .*s3:PutObject"):
        open_store(f"s3://{s3.bucket()}/p")


def test_credentials_that_expired_are_looked_up_again(
    s3: S3, s3_proxy: FaultyProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(key: str) -> None:
        (tmp_path / "credentials").write_text(
            f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {SECRET}\n"
        )

    put("old-key")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    bucket = s3.bucket()
    store = S3Store(bucket, "p", patience=2.0)
    store.write("x", b"1")
    expired = Fault("answer", 400, code="ExpiredToken")
    s3_proxy.plan = lambda request: expired if "old-key" in request.headers["Authorization"] else None
    with pytest.raises(StorageError, match=r"refuses reading .*\(ExpiredToken\); check that the credentials"):
        store.read("x")
    patient = S3Store(bucket, "p", patience=30.0)  # making a client takes seconds where the machine is busy
    put("new-key")
    assert patient.read("x") == b"1"


def test_no_credentials_are_said_at_once(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StorageError, match=r"no credentials for s3://some-bucket/p/.*set AWS_ACCESS_KEY_ID"):
        open_store("s3://some-bucket/p")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(StorageError, match=r"the S3 client can't be created \(ProfileNotFound\)"):
        open_store("s3://some-bucket/p")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("s4://bucket/p", "s4:/….*did you mean s3://"),
        ("S3://bucket/p", "did you mean s3://"),
        ("s3:/bucket/p", "did you mean s3://"),
        ("gs://bucket/p", "gs:/….*local folders.*s3://BUCKET/PREFIX at any"),
        ("file:///tmp/x", "is given by its path"),
        ("s3://", "names no bucket"),
        ("s3:///p", "names no bucket"),
        (f"s3://key:{SECRET}@bucket/p", "AWS_ENDPOINT_URL"),
        (f"s3://bucket/p?secret_key={SECRET}", "AWS_ENDPOINT_URL"),
        (f"s4://key:{SECRET}@bucket/p", "did you mean"),
    ],
)
def test_a_wrong_url_is_refused_with_the_nearest_right_one(url: str, told: str) -> None:
    with pytest.raises(StorageError, match=told) as refusal:
        open_store(url)
    assert SECRET not in str(refusal.value)


OPERATIONS: list[Callable[[S3Store], object]] = [
    lambda store: store.write("x", b"1"),
    lambda store: store.read("x"),
    lambda store: list(store.names("x")),
    lambda store: store.delete("x"),
    lambda store: store.size("x"),
    lambda store: store.move("x", "y"),
    lambda store: store.exists("x"),
    lambda store: open_store(store.url),
]


@pytest.mark.long
def test_credentials_appear_in_no_message_log_url_or_repr(
    s3: S3, s3_proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("saddle.store.s3.store.FIRST_PATIENCE_SECONDS", 0.2)
    token = "recognisable-token-41c7"
    monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    with_name = s3_proxy.url.replace("http://", f"http://name:{SECRET}@")
    bucket = s3.bucket()
    seen: list[str] = []
    failures = 0
    for endpoint, statuses in ((s3_proxy.url, (400, 403, 404, 500)), (with_name, (403, 503))):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        for status in statuses:
            s3_proxy.plan = lambda request, status=status: Fault("answer", status)  # type: ignore[misc]
            store = S3Store(bucket, "p", patience=0.2)
            seen += [repr(store), store.url, store.locate("x"), str(store.local), repr(vars(store))]
            for operation in OPERATIONS:
                try:
                    operation(store)
                except FileNotFoundError:
                    pass
                except StorageError as error:
                    failures += 1
                    seen += [str(error), repr(error), "".join(traceback.format_exception(error))]
    assert failures > 4 * len(OPERATIONS), "the operations did not fail"
    seen.append(caplog.text)
    for secret in (SECRET, token):
        assert not [text for text in seen if secret in text]
