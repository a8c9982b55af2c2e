"""Endpoints that don't keep the conditions of writes, over HTTP: distinguished from good ones before a study starts."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import time
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

import pytest

import saddle.store.ownership.lease as leases
import saddle.store.s3.conditions as conditions
from saddle.errors import NoConditions, StorageError
from saddle.store.open import open_store
from saddle.store.ownership.lock import lock_study
from saddle.store.s3.conditions import check_conditions, remembered
from saddle.store.s3.store import S3Store
from saddle.trial.run_id import RunId
from tests.support.commands import Command
from tests.support.faulty_proxy import Fault, FaultyProxy, Judge, Request, is_conditional
from tests.support.s3 import S3
from tests.support.waiting import wait_until

RUN = RunId("digits")
WRONG_ETAG = r"it wrote over a blob on condition that it had an ETag \(If-Match\) that it didn't have"
STUDY = """
study: digits
trainable: parabola
search: {x: {float: [0, 2]}}
objective: {maximize: validation/score}
sampler: {random: {seed: 1}}
budget: {trials: 2}
"""


def header(request: Request, name: str) -> str | None:
    return next((value for known, value in request.headers.items() if known.lower() == name), None)


def keeps(request: Request, etag: str | None) -> bool:
    """What a good server does."""
    wanted = header(request, "if-match")
    return etag is None if wanted is None else etag == wanted


def keeps_none(request: Request, etag: str | None) -> bool:
    return True


def ignores_if_match(request: Request, etag: str | None) -> bool:
    return header(request, "if-match") is not None or etag is None


def ignores_if_none_match(request: Request, etag: str | None) -> bool:
    return header(request, "if-match") in (None, etag)


def revives(request: Request, etag: str | None) -> bool:
    """Takes what was deleted for what meets any condition."""
    return etag is None or keeps(request, etag)


def keeps_only_that_there_is_something(request: Request, etag: str | None) -> bool:
    return etag is None if header(request, "if-match") is None else etag is not None


@pytest.fixture
def store(s3: S3, s3_proxy: FaultyProxy) -> S3Store:
    return S3Store(s3.bucket(), "p", patience=20)


def test_a_good_endpoint_is_asked_once_a_day_in_few_requests_and_left_as_it_was(
    store: S3Store, s3: S3, s3_proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(store.url)
    assert len(s3_proxy.requests) == 36
    assert s3.keys(store.bucket) == []
    s3_proxy.requests.clear()
    open_store(store.url)
    with lock_study(store, RUN):
        pass
    assert not [request for request in s3_proxy.requests if is_conditional(request) and "probe" in request.path]
    assert sum("probe" in request.path for request in s3_proxy.requests) == 2, "whether it can be written"
    now = time.time()
    for later in (conditions.VERDICT_SECONDS + 60, -3600):  # a clock that was put back says nothing of an age
        monkeypatch.setattr("saddle.store.s3.conditions.time.time", lambda later=later: now + later)
        assert remembered(store) is None
    monkeypatch.setattr("saddle.store.s3.conditions.time.time", lambda: now + 3600)
    assert remembered(store) is not None


def test_commands_that_only_read_ask_nothing(store: S3Store, s3_proxy: FaultyProxy) -> None:
    s3_proxy.judge = keeps_none
    opened = open_store(store.url, create=False)
    assert list(opened.names("studies")) == []
    assert not opened.exists("studies/digits/study.yaml")
    assert {request.method for request in s3_proxy.requests} == {"GET", "HEAD"}


@pytest.mark.fault("an endpoint that ignores conditions")
@pytest.mark.parametrize(
    ("judge", "reason"),
    [
        (keeps_none, "it wrote over a blob on condition that there was none"),
        (ignores_if_none_match, "it wrote over a blob on condition that there was none"),
        (ignores_if_match, WRONG_ETAG),
        (keeps_only_that_there_is_something, WRONG_ETAG),
        (revives, "it wrote a deleted blob on condition that it still had its ETag"),
    ],
)
def test_an_endpoint_that_keeps_no_condition_is_refused_by_name_and_left_as_it_was(
    store: S3Store,
    s3: S3,
    s3_proxy: FaultyProxy,
    monkeypatch: pytest.MonkeyPatch,
    judge: Judge,
    reason: str,
) -> None:
    s3_proxy.judge = judge
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_proxy.url.replace("http://", "http://name:password@"))
    opening = contextlib.nullcontext(), contextlib.nullcontext()
    for _ in opening:  # a bad verdict is not kept: whoever mends the server continues at once
        with pytest.raises(NoConditions, match=f"^{re.escape(s3_proxy.url)} can't hold studies.*: {reason}") as refusal:
            open_store(store.url)
        assert "current MinIO" in str(refusal.value)
        assert refusal.value.exit_code == 2
    assert "password" not in str(refusal.value)
    with pytest.raises(NoConditions), lock_study(S3Store(store.bucket, "p"), RUN):
        pass
    assert s3.keys(store.bucket) == []
    s3_proxy.judge = keeps
    assert open_store(store.url).url == store.url


@pytest.mark.fault("an endpoint that looks and writes in two steps")
def test_an_endpoint_that_looks_and_writes_in_two_steps_is_refused(
    store: S3Store, s3: S3, s3_proxy: FaultyProxy
) -> None:
    s3_proxy.judge, s3_proxy.hesitation = keeps, 0.05
    with pytest.raises(
        NoConditions, match=r"of 4 simultaneous writers whose condition only one could meet.* were answered"
    ):
        check_conditions(store)
    assert s3.keys(store.bucket) == []


@pytest.mark.fault("an endpoint that knows no conditions")
@pytest.mark.parametrize("answer", [Fault("answer", 501, code="NotImplemented"), Fault("answer", 400)])
def test_an_endpoint_that_knows_no_conditions_is_refused_at_once(
    store: S3Store, s3_proxy: FaultyProxy, answer: Fault
) -> None:
    s3_proxy.plan = lambda request: answer if is_conditional(request) else None
    with pytest.raises(NoConditions, match=rf"it answers a conditional write .* with HTTP {answer.status}"):
        check_conditions(store)
    assert sum(map(is_conditional, s3_proxy.requests)) == 1, "it was not taken for a hiccup"


@pytest.mark.fault("lost answers while conditions are probed")
def test_lost_answers_make_no_good_endpoint_bad(store: S3Store, s3: S3, s3_proxy: FaultyProxy) -> None:
    kinds = itertools.cycle([Fault("lose", 500), Fault("answer", 503), Fault("reset"), Fault("lose_reset")])
    written = itertools.count()
    faulty = {0, 1, 3, 5, 8, 12, 13, 20}
    s3_proxy.plan = lambda request: next(kinds) if is_conditional(request) and next(written) in faulty else None
    check_conditions(store)
    assert next(written) > max(faulty)
    assert s3.keys(store.bucket) == []


@pytest.mark.fault("an endpoint whose clocks differ")
@pytest.mark.parametrize("seconds", [-120, 120])
def test_an_endpoint_whose_clocks_differ_is_refused(store: S3Store, s3_proxy: FaultyProxy, seconds: int) -> None:
    def shifted(name: str, value: str) -> str:
        if name.lower() != "last-modified":
            return value
        return format_datetime(parsedate_to_datetime(value) + timedelta(seconds=seconds), usegmt=True)

    s3_proxy.rewrite = shifted
    with pytest.raises(NoConditions, match=rf"its clocks differ.* is {'1[12]' if seconds < 0 else '-1[12]'}\d s old"):
        check_conditions(store)


def test_another_server_at_the_same_address_is_asked_anew(store: S3Store, s3_proxy: FaultyProxy) -> None:
    open_store(store.url)
    s3_proxy.rewrite = lambda name, value: "Another/1.0" if name == "Server" else value
    s3_proxy.judge = keeps_none
    with pytest.raises(NoConditions):
        open_store(store.url)


@pytest.mark.fault("an endpoint that ignores conditions from now on")
def test_a_server_that_forgets_its_conditions_later_is_found_out_by_the_driver_that_lost(
    store: S3Store, s3: S3, s3_proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.2)
    with lock_study(store, RUN) as lock:
        s3_proxy.judge = keeps_none
        time.sleep(1)
        assert not lock.lost
        key = f"p/{leases_path()}"
        facts = json.loads(s3.client().get_object(Bucket=store.bucket, Key=key)["Body"].read())
        stolen = json.dumps({**facts, "token": "another", "host": "gpu-7"}).encode()

        def renew_as_the_other_driver() -> bool:
            """Again and again: what is written while a renewal is on its way may be written over."""
            s3.client().put_object(Bucket=store.bucket, Key=key, Body=stolen)
            return lock.lost

        wait_until(renew_as_the_other_driver, "the loss of the lease; it continued renewing over the other driver's")
        assert "gpu-7" in lock.why
    assert s3.client().get_object(Bucket=store.bucket, Key=key)["Body"].read() == stolen


def leases_path() -> str:
    from saddle.store.ownership.lock import lease_path

    return lease_path(RUN)


@pytest.mark.fault("two drivers on an endpoint that ignores conditions")
def test_two_drivers_are_both_refused_before_anything_trains(
    store: S3Store, s3: S3, s3_proxy: FaultyProxy, tmp_path: Path
) -> None:
    s3_proxy.judge = keeps_none
    (tmp_path / "digits.yaml").write_text(STUDY)
    command = Command(tmp_path)
    try:
        drivers = [command.start("run", "digits.yaml", "--storage", store.url, "--no-mlflow") for _ in range(2)]
        for driver in drivers:
            said, _ = driver.communicate(timeout=120)
            assert driver.returncode == 2, said
            assert f"saddle: {s3_proxy.url} can't hold studies" in said
            assert "Traceback" not in said
    finally:
        command.kill_leftovers()
    assert s3.keys(store.bucket) == []


# other promises of an endpoint's


@pytest.mark.fault("a listing that leaves its folder")
def test_a_listing_that_leaves_its_folder_empties_no_bucket(store: S3Store, s3: S3, s3_proxy: FaultyProxy) -> None:
    for path in ("studies/a/x", "studies/b/x", "elsewhere"):
        store.write(path, b"1")
    s3_proxy.readdress = lambda request: re.sub("prefix=[^&]*", "prefix=", request.path)
    for operation in (store.delete, store.size, lambda path: store.move(path, "studies/c"), store.names):
        with pytest.raises(StorageError, match=r"holds '[^']*', which is not below it; the endpoint does not keep"):
            list(operation("studies/a") or ())  # type: ignore[call-overload]
    assert len(s3.keys(store.bucket)) == 3


@pytest.mark.fault("copies that were not made")
def test_what_was_not_copied_is_not_deleted(store: S3Store, s3: S3, s3_proxy: FaultyProxy) -> None:
    for name in ("x", "y"):
        store.write(f"studies/a/{name}", b"1")
    s3_proxy.readdress = lambda request: request.path.replace("/b/y", "/lost")
    with pytest.raises(
        StorageError, match=r"1 of 2 copies are not at s3://.*/p/studies/b though .* such as 'studies/b/y'"
    ):
        store.move("studies/a", "studies/b")
    s3_proxy.heal()
    assert [store.read(f"studies/a/{name}") for name in ("x", "y")] == [b"1", b"1"]
    store.finish_move("studies/a")
    assert list(store.names("studies/b")) == ["x", "y"]


@pytest.mark.fault("a listing that never ends")
def test_a_listing_that_never_ends_is_given_up(
    store: S3Store, s3_proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("saddle.store.s3.store.BATCH", 2)
    for number in range(5):
        store.write(f"f/{number}", b"1")
    s3_proxy.readdress = lambda request: re.sub("continuation-token=[^&]*&?", "", request.path)
    with pytest.raises(StorageError, match="does not say how to continue"):
        list(store.names("f"))
