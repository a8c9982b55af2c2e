"""Whether an S3 endpoint keeps the conditions of writes, on which it rests that a study has one driver.

Many S3-compatible servers take `If-None-Match` and `If-Match` and ignore them, or look and write in two steps; two
drivers on such a one both hold the study's lease, run to the end and find nothing wrong. So the first opening for
writing lets several writers race for one blob. A good verdict is kept on this machine for a day: a server may change.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from saddle.errors import NoConditions, StorageError
from saddle.store.files import driver_file, read_file, replace_file
from saddle.store.s3.calls import NOT_IMPLEMENTED, Calls, code_of, describe, is_unmet, status_of
from saddle.store.s3.listing import keys_of, list_pages

if TYPE_CHECKING:
    from saddle.store.s3.store import S3Store

WRITERS = 4
ROUNDS = 3
"""Of two races each. In one alone, a server that looks and writes in two steps may happen to be right."""

UNANSWERED_ROUNDS = 3
"""How often a race without a winner is repeated: the winner's answer may have been lost."""

VERDICT = "conditions.json"
VERDICT_SECONDS = 24 * 3600.0
CLOCK_SECONDS = 15.0
"""By how much the endpoint's clocks may differ; a lease ends after a minute, and only they say how old it is."""

UNKNOWN_HEADER = ("InvalidArgument", "InvalidRequest", "NotImplemented")
NEVER_AN_ETAG = f'"{"0" * 32}"'
BARRIER_SECONDS = 30.0


@dataclass(frozen=True)
class Verdict:
    """That an endpoint was found good: when (Unix seconds), and what its server calls itself."""

    endpoint: str
    server: str
    when: float


@dataclass(frozen=True)
class _Put:
    """What became of a conditional write: its ETag if it succeeded, else what the endpoint didn't understand."""

    etag: str = ""
    unknown: str = ""


def require_conditions(store: S3Store) -> None:
    """Raise `NoConditions` unless the endpoint keeps conditions; it is asked unless that is known of it."""
    if remembered(store) is None:
        remember(store, check_conditions(store))


def remembered(store: S3Store) -> Verdict | None:
    """What was found out about the endpoint within the last day, if that was good."""
    try:
        verdict = Verdict(**json.loads(read_file(driver_file(store, VERDICT))))
        fresh = 0 <= time.time() - verdict.when < VERDICT_SECONDS
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return verdict if fresh and verdict.endpoint == store.calls.endpoint else None


def remember(store: S3Store, server: str) -> None:
    """Keep on this machine that the endpoint was found good."""
    verdict = Verdict(store.calls.endpoint, server, time.time())
    replace_file(driver_file(store, VERDICT), json.dumps(asdict(verdict)).encode(), sync=False)


def check_conditions(store: S3Store) -> str:
    """Try the endpoint out on a blob that is deleted again, in 36 requests; returns what its server calls itself.

    Raises `NoConditions` saying what it does wrong, and `StorageError` if it can't be written or reached.
    """
    calls, key = store.calls, store.key(f".probe-{uuid.uuid4().hex}")
    try:
        answer = calls("writing", key, lambda: _put_object(calls, key, b"probe"))
        _check_one_by_one(calls, key, str(answer["ETag"]))
        for turn in range(ROUNDS):
            created = _race(calls, key, {"IfNoneMatch": "*"})
            since = time.monotonic()
            renewed = _race(calls, key, {"IfMatch": created[1]})
            _check_stored(calls, key, renewed[0], since)
            if turn == 0:
                _check_listed(calls, key)
            _delete(calls, key)
    except BaseException:
        with contextlib.suppress(StorageError):
            _delete(calls, key)
        raise
    return server_of(answer)


def server_of(answer: Any) -> str:
    """What the server that answered calls itself."""
    return str(answer["ResponseMetadata"]["HTTPHeaders"].get("server", ""))


def _check_one_by_one(calls: Calls, key: str, etag: str) -> None:
    """Each condition alone, against the blob with this ETag; afterwards there is none."""
    if _put_if(calls, key, b"created twice", {"IfNoneMatch": "*"}).etag:
        raise refusal(calls, "it wrote over a blob on condition that there was none (If-None-Match: *)")
    if _put_if(calls, key, b"wrong", {"IfMatch": NEVER_AN_ETAG}).etag:
        raise refusal(calls, "it wrote over a blob on condition that it had an ETag (If-Match) that it didn't have")
    _delete(calls, key)
    if _put_if(calls, key, b"revived", {"IfMatch": etag}).etag:
        raise refusal(calls, "it wrote a deleted blob on condition that it still had its ETag (If-Match)")


def _race(calls: Calls, key: str, condition: dict[str, str]) -> tuple[bytes, str]:
    """What the one winner wrote, and its ETag."""
    for _ in range(UNANSWERED_ROUNDS):
        winners = _writers_at_once(calls, key, condition)
        name = "If-None-Match: *" if "IfNoneMatch" in condition else "If-Match"
        if len(winners) > 1:
            raise refusal(
                calls,
                f"of {WRITERS} simultaneous writers whose condition only one could meet ({name}), {len(winners)} were "
                "answered with success",
            )
        if winners:
            return winners[0]
        # the winner's answer was lost, and its second attempt found the condition unmet
        if "IfMatch" in condition:
            condition = {"IfMatch": str(_get(calls, key)[0]["ETag"])}
        else:
            _delete(calls, key)
    raise refusal(
        calls,
        f"of {WRITERS} simultaneous writers whose condition one could meet ({name}), none was answered with success",
    )


def _writers_at_once(calls: Calls, key: str, condition: dict[str, str]) -> Sequence[tuple[bytes, str]]:
    """What the writers wrote whose write succeeded by its answer, and the ETags."""
    ready = threading.Barrier(WRITERS)

    def write(number: int) -> tuple[bytes, str]:
        content = f"{number} {uuid.uuid4().hex}".encode()
        ready.wait(BARRIER_SECONDS)
        return content, _put_if(calls, key, content, condition).etag

    with ThreadPoolExecutor(WRITERS) as pool:
        return [write_result for write_result in pool.map(write, range(WRITERS)) if write_result[1]]


def _put_if(calls: Calls, key: str, content: bytes, condition: dict[str, str]) -> _Put:
    """Write on a condition; raises `NoConditions` if the endpoint knows none."""

    def put() -> _Put:
        try:
            return _Put(str(_put_object(calls, key, content, **condition)["ETag"]))
        except Exception as error:
            if status_of(error) == NOT_IMPLEMENTED or code_of(error) in UNKNOWN_HEADER:
                return _Put(unknown=describe(error))
            raise

    try:
        answer = calls("writing", key, put)
    except FileNotFoundError:
        return _Put()
    except Exception as error:
        if is_unmet(error):
            return _Put()
        raise
    if answer.unknown:
        raise refusal(calls, f"it answers a conditional write ({', '.join(condition)}) with {answer.unknown}")
    return answer


def _put_object(calls: Calls, key: str, content: bytes, **condition: str) -> Any:
    return calls.client.put_object(Bucket=calls.bucket, Key=key, Body=content, **condition)


def _get(calls: Calls, key: str) -> tuple[Any, bytes]:
    def get() -> tuple[Any, bytes]:
        answer = calls.client.get_object(Bucket=calls.bucket, Key=key)
        return answer, answer["Body"].read()

    return calls("reading", key, get)


def _delete(calls: Calls, key: str) -> None:
    calls("deleting", key, lambda: calls.client.delete_object(Bucket=calls.bucket, Key=key))


def _check_stored(calls: Calls, key: str, content: bytes, since: float) -> None:
    """What was written after `since` must be there, and not be older than that."""
    try:
        answer, stored = _get(calls, key)
    except FileNotFoundError:
        stored = b""
    if stored != content:
        raise refusal(calls, "a blob read after a write differs from what was written")
    age, spent = age_of(answer), time.monotonic() - since
    if not -CLOCK_SECONDS <= age <= CLOCK_SECONDS + spent:
        raise refusal(calls, f"its clocks differ (NTP sets them): a blob just written is {age:,.0f} s old by its clock")


def _check_listed(calls: Calls, key: str) -> None:
    if key not in [listed for page in list_pages(calls, key) for listed in keys_of(page)]:
        raise refusal(calls, "it doesn't list a blob that was just written")


def age_of(answer: Any) -> float:
    """How many seconds ago a blob was written, by the endpoint's clock; by our clock if it doesn't say."""
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    now = parsedate_to_datetime(date).timestamp() if date else time.time()
    return float(now - answer["LastModified"].timestamp())


def refusal(calls: Calls, reason: str) -> NoConditions:
    """What is wrong with the endpoint, and what would do."""
    return NoConditions(
        f"{calls.endpoint} can't hold studies (asked about the bucket {calls.bucket!r}): {reason}. Two drivers of one "
        "study would not notice each other. Use a server that supports the conditions If-None-Match and If-Match of "
        "a PUT, as AWS S3 and current MinIO do (an older one needs an update; a proxy before it may take them away), "
        "or --storage with a folder that every machine mounts"
    )
