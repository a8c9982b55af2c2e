"""Opening a bucket as a storage: its URL read, and its endpoint tried out before it is trusted."""

from __future__ import annotations

import re
import uuid

from saddle.errors import StorageError
from saddle.store.paths import check_path
from saddle.store.s3.conditions import check_conditions, remember, remembered, server_of
from saddle.store.s3.store import FIRST_PATIENCE_SECONDS, S3Store

BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")


def parse_url(url: str) -> S3Store:
    """The store at `s3://BUCKET[/PREFIX]`; raises `StorageError` for a URL that can't be one."""
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    if "@" in bucket or "?" in url or ":" in bucket:
        # not repeated here: the part before the @ or after the ? may be a secret
        raise StorageError(
            "a storage is s3://BUCKET/PREFIX and nothing more; the endpoint is set by AWS_ENDPOINT_URL, credentials "
            "by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile (AWS_PROFILE)"
        )
    if not BUCKET.fullmatch(bucket):
        raise StorageError(f"the storage {url!r} names no bucket; write s3://BUCKET or s3://BUCKET/PREFIX")
    return S3Store(bucket, check_path("/".join(part for part in prefix.split("/") if part), root=True))


def prepare_bucket(store: S3Store) -> S3Store:
    """The store, once a blob could be written and deleted; raises `StorageError` if it can't.

    Raises `NoConditions` if the endpoint lets two drivers run one study.
    """
    probe = S3Store(store.bucket, store.prefix, patience=min(store.patience, FIRST_PATIENCE_SECONDS))
    known = remembered(store)
    if known is None or _try_writing(probe) != known.server:
        remember(store, check_conditions(probe))
    return store


def _try_writing(store: S3Store) -> str:
    """Write a blob and delete it; what the server calls itself."""
    key = store.key(f".probe-{uuid.uuid4().hex}")
    answer = store.calls("writing", key, lambda: store.calls.client.put_object(Bucket=store.bucket, Key=key, Body=b""))
    store.calls("deleting", key, lambda: store.calls.client.delete_object(Bucket=store.bucket, Key=key))
    return server_of(answer)
